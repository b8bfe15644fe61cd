/** The rows of one read of a file. */
export interface AdjacentRead {
  /** The first row. */
  first: number;
  /** The row after the last one. */
  end: number;
  /** The requested rows that the read covers, as indices into `positions`. */
  places: Uint32Array;
}

/** The largest gap, in bytes, within one read: a page of the file system. */
const nearBytes = 4096;

/**
 * Groups rows into reads in ascending order. Rows that are near each other share a read.
 *
 * @param positions the rows to read, in any order
 * @param rowBytes the bytes of one row
 * @param maximumBytes the most bytes of one read; a longer row is read alone
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
