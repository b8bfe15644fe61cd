/** Rows that one read of a file takes. */
export interface AdjacentRead {
  /** The first row. */
  first: number;
  /** Past the last row. */
  end: number;
  /** Which of the wanted positions lie in it, as indices into `positions`. */
  places: Uint32Array;
}

/** Rows as near as a page of the file system come with the same read. */
const nearBytes = 4096;

/**
 * Groups wanted rows into reads that only go forward and take near neighbours along.
 *
 * @param positions of rows, in any order
 * @param rowBytes of one row
 * @param maximumBytes of one read; one row may be longer
 */
export function* adjacentReads(
  positions: Int32Array,
  rowBytes: number,
  maximumBytes: number,
): Generator<AdjacentRead> {
  const order = Uint32Array.from(positions.keys()).sort((a, b) => positions[a] - positions[b]);
  for (let from = 0, to = 0; from < order.length; from = to) {
    const first = positions[order[from]];
    let end = first + 1;
    for (to = from + 1; to < order.length; to++) {
      const next = positions[order[to]];
      if ((next - end) * rowBytes > nearBytes || (next + 1 - first) * rowBytes > maximumBytes) break;
      end = next + 1;
    }
    yield { first, end, places: order.subarray(from, to) };
  }
}
