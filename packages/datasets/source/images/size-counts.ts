/** `[height, width]` in pixels. */
export type Size = [number, number];

/** Counts the sizes of images. */
export interface SizeCounts {
  add(size: Size): void;
  /** Returns the smallest and the largest by area, and all with their counts, the most frequent first; undefined for none. */
  result(): { smallest: Size; largest: Size; most: { size: Size; count: number }[] } | undefined;
}

export function sizeCounts(): SizeCounts {
  const counts = new Map<string, { size: Size; count: number }>();
  return {
    add(size) {
      const known = counts.get(`${size}`);
      if (known === undefined) counts.set(`${size}`, { size, count: 1 });
      else known.count++;
    },
    result() {
      const all = [...counts.values()];
      const byArea = all.map(({ size }) => size).sort((a, b) => a[0] * a[1] - b[0] * b[1]);
      const [smallest] = byArea;
      const largest = byArea.at(-1);
      if (smallest === undefined || largest === undefined) return undefined;
      return { smallest, largest, most: all.sort((a, b) => b.count - a.count) };
    },
  };
}
