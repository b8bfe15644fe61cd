const levels = '▁▂▃▄▅▆▇█';

/**
 * Draws values as one line of blocks, the lowest as ▁ and the highest as █. More values than columns are averaged in groups.
 *
 * @param width the most columns
 */
export function sparkline(values: readonly number[], width: number): string {
  const finite = values.filter(Number.isFinite);
  const columns = Math.min(width, finite.length);
  const means = Array.from({ length: columns }, (_, i) => {
    const group = finite.slice(
      Math.floor((i * finite.length) / columns),
      Math.floor(((i + 1) * finite.length) / columns),
    );
    return group.reduce((sum, value) => sum + value, 0) / group.length;
  });
  const [least, most] = [Math.min(...means), Math.max(...means)];
  const height = most - least;
  return means
    .map((mean) => levels[height === 0 ? 3 : Math.round(((mean - least) / height) * (levels.length - 1))])
    .join('');
}
