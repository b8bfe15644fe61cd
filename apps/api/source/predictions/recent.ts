/** Keeps what was computed last under a key that never stands for anything else, such as a digest. */
export function recent<Value>(most: number) {
  const kept = new Map<string, Value>();
  return async (key: string, compute: () => Promise<Value>): Promise<Value> => {
    const value = kept.get(key) ?? (await compute());
    kept.delete(key);
    kept.set(key, value);
    for (const oldest of kept.keys()) {
      if (kept.size <= most) break;
      kept.delete(oldest);
    }
    return value;
  };
}
