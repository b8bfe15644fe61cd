/** The last parts of each path, as many as tell it from the others: `/students/0/method/0/temperature` is `temperature`. */
export function shortPaths(paths: readonly string[]): Map<string, string> {
  const parts = paths.map((path) => path.slice(1).split('/'));
  const ending = (index: number, count: number) => (parts[index] ?? []).slice(-count).join('/');
  return new Map(
    paths.map((path, index) => {
      let count = 1;
      const isShared = () =>
        parts.some((_, other) => other !== index && ending(other, count) === ending(index, count));
      while (count < (parts[index]?.length ?? 0) && isShared()) count++;
      return [path, ending(index, count)];
    }),
  );
}

/** A value in a cell. */
export const valueText = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value);
