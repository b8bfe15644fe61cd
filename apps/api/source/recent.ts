/** Keeps what was computed last under a key that never stands for anything else, such as a digest. */
export function recent<Value>(most: number) {
  const kept = new Map<string, Value>();
  /** @param isStill whether a kept value can still be used; default: always */
  return async (
    key: string,
    compute: () => Promise<Value>,
    isStill: (value: Value) => Promise<boolean> = async () => true,
  ): Promise<Value> => {
    const before = kept.get(key);
    const value = before !== undefined && (await isStill(before)) ? before : await compute();
    kept.delete(key);
    kept.set(key, value);
    for (const oldest of kept.keys()) {
      if (kept.size <= most) break;
      kept.delete(oldest);
    }
    return value;
  };
}
