type Points = readonly (number | null)[];

const short = (pixel: number) => String(Math.round(pixel * 10) / 10);

/** The SVG path through points in pixels; a missing one leaves a gap, and a point between two gaps becomes a dot. */
export function linePath(xs: readonly number[], ys: Points): string {
  let path = '';
  for (let index = 0; index < xs.length; index++) {
    const y = ys[index];
    if (!isShown(y)) continue;
    const begins = index === 0 || !isShown(ys[index - 1]);
    path += `${begins ? 'M' : 'L'}${short(xs[index])} ${short(y)}`;
    // A line of no length with round caps is a dot.
    if (begins && !isShown(ys[index + 1])) path += 'h0.01';
  }
  return path;
}

/** The SVG path of the area between two lines, in one piece for each stretch in which both have values. */
export function bandPath(xs: readonly number[], upper: Points, lower: Points): string {
  let path = '';
  let start = 0;
  for (let end = 0; end <= xs.length; end++) {
    if (end < xs.length && isShown(upper[end]) && isShown(lower[end])) continue;
    if (end - start > 1) {
      const there = linePath(xs.slice(start, end), upper.slice(start, end));
      const back = linePath(xs.slice(start, end).reverse(), lower.slice(start, end).reverse());
      path += `${there}L${back.slice(1)}Z`;
    }
    start = end + 1;
  }
  return path;
}

/** As `linePath`, with steps: each value holds until the next one. */
export function stepPath(xs: readonly number[], ys: readonly number[]): string {
  return ys.reduce(
    (path, y, index) => `${path}V${short(y)}H${short(xs[index + 1])}`,
    `M${short(xs[0])} ${short(ys[0])}`,
  );
}

function isShown(value: number | null | undefined): value is number {
  return value !== null && value !== undefined && Number.isFinite(value);
}
