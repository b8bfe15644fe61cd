/** The least distance between two labels, in pixels. */
export const labelGap = 15;

/**
 * Moves labels apart that would lie on each other: no two are closer than the gap, each stays as near to its place as the
 * others allow, and all stay between `top` and `bottom` where there is room for them.
 *
 * @param wanted the y of each label, in pixels; the result has the same order
 */
export function placeLabels(
  wanted: readonly number[],
  { top = -Infinity, bottom = Infinity, gap = labelGap } = {},
): number[] {
  const order = wanted.map((_, index) => index).sort((a, b) => wanted[a] - wanted[b] || a - b);
  // Labels that touch form a block, which lies where the mean of its wishes is.
  const blocks: { members: number[]; start: number }[] = [];
  for (const index of order) {
    let block = { members: [index], start: wanted[index] };
    for (
      let above = blocks.at(-1);
      above !== undefined && overlaps(above, block, gap);
      above = blocks.at(-1)
    ) {
      blocks.pop();
      block = joined(above, block, wanted, gap);
    }
    blocks.push(block);
  }
  const placed = [...wanted];
  for (const { members, start } of blocks) {
    members.forEach((index, position) => {
      placed[index] = start + position * gap;
    });
  }
  return withinBounds(placed, order, { top, bottom, gap });
}

interface Block {
  members: number[];
  start: number;
}

const overlaps = (above: Block, below: Block, gap: number): boolean =>
  below.start < above.start + above.members.length * gap - 1e-9;

function joined(above: Block, below: Block, wanted: readonly number[], gap: number): Block {
  const members = [...above.members, ...below.members];
  const start = members.reduce((sum, index, at) => sum + wanted[index] - at * gap, 0) / members.length;
  return { members, start };
}

/** Pushes from the bottom edge up and then from the top edge down, which wins where all do not fit. */
function withinBounds(
  placed: number[],
  order: readonly number[],
  { top, bottom, gap }: { top: number; bottom: number; gap: number },
): number[] {
  let limit = bottom;
  for (const index of [...order].reverse()) {
    placed[index] = Math.min(placed[index], limit);
    limit = placed[index] - gap;
  }
  limit = top;
  for (const index of order) {
    placed[index] = Math.max(placed[index], limit);
    limit = placed[index] + gap;
  }
  return placed;
}
