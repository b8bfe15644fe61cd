import type { GivenSplit, ValueKind, Wanted } from './arrays.ts';

/** The smallest probability that is told from 0: its logarithm stays finite. */
const floor = 1e-12;
/** How far from 1 the sum of a row's probabilities may be, which allows for half precision. */
const tolerance = 0.02;

/**
 * Returns logits for the samples of a split, in their order: `[count, classes]`. Logarithms of probabilities are logits: the two differ
 * by a constant in each row, which no temperature changes. What the k largest probabilities of a row leave is spread evenly over its
 * other classes.
 *
 * @throws RangeError that names the split, the row and the numbers that do not fit
 */
export function logitsOf(split: GivenSplit, kind: ValueKind, { count, classes }: Wanted): Float32Array {
  const { name, values, indices } = split;
  const [rows, width] = values.shape;
  checkShape(split, kind, { count, classes });
  const positions = positionsOf(split, count);
  const logits = new Float32Array(count * classes);
  for (let row = 0; row < rows; row++) {
    const into = logits.subarray(positions[row] * classes, (positions[row] + 1) * classes);
    if (indices === undefined) for (let k = 0; k < width; k++) into[k] = values.data[row * width + k];
    const where = `${name} row ${row}`;
    if (indices === undefined && kind === 'logits') checkFinite(into, where);
    else if (indices === undefined) asLogits(into, kind, where);
    else spread(split, row, into, kind, where);
  }
  return logits;
}

function checkShape({ name, values, indices }: GivenSplit, kind: ValueKind, wanted: Wanted): void {
  const [rows, width] = values.shape;
  const { count, classes } = wanted;
  if (rows !== count) {
    throw new RangeError(
      `has ${rows} rows for the ${name} split, but the data set has ${count} samples in it`,
    );
  }
  if (indices === undefined && width !== classes) {
    throw new RangeError(`has ${width} classes for the ${name} split, expected ${classes}`);
  }
  if (indices !== undefined && width >= classes) {
    throw new RangeError(
      `has ${width} values in each row of ${name}_values, expected fewer than ${classes}, the classes`,
    );
  }
  if (indices !== undefined && kind === 'logits') {
    throw new RangeError(
      'has the largest logits of each sample, which leave the share of the other classes open: give probabilities, and "values": "probabilities"',
    );
  }
}

/** The position of each row's sample. Every sample has one row. */
function positionsOf({ name, ids }: GivenSplit, count: number): ArrayLike<number> {
  if (ids === undefined) return Int32Array.from({ length: count }, (_, index) => index);
  const seen = new Uint8Array(count);
  for (let row = 0; row < count; row++) {
    const id = Number(ids.data[row]);
    if (!Number.isInteger(id) || id < 0 || id >= count) {
      throw new RangeError(
        `has the id ${id} in row ${row} of ${name}_ids, expected a position from 0 to ${count - 1}`,
      );
    }
    if (seen[id] === 1) throw new RangeError(`has the id ${id} twice in ${name}_ids, again in row ${row}`);
    seen[id] = 1;
  }
  return ids.data;
}

function checkFinite(row: Float32Array, where: string): void {
  const bad = row.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0)
    throw new RangeError(`has ${row[bad]} for class ${bad} in ${where}, expected a finite number`);
}

/** Turns a row of probabilities, or their logarithms, into logits in place. */
function asLogits(row: Float32Array, kind: ValueKind, where: string): void {
  let sum = 0;
  for (const [k, value] of row.entries()) {
    const share = kind === 'log_probabilities' ? Math.exp(value) : value;
    if (!(share >= 0 && share <= 1 + tolerance)) {
      throw new RangeError(`has ${value} for class ${k} in ${where}, which is not one of ${kind}`);
    }
    sum += share;
    row[k] = Math.log(Math.max(share, floor));
  }
  if (Math.abs(sum - 1) > tolerance)
    throw new RangeError(`has ${kind} in ${where} that sum to ${sum}, expected 1`);
}

/** Writes a row of the k largest probabilities and the even share of the others, as logits. */
function spread(
  { values, indices }: GivenSplit,
  row: number,
  into: Float32Array,
  kind: ValueKind,
  where: string,
): void {
  const [, k] = values.shape;
  let sum = 0;
  into.fill(-1);
  for (let i = row * k; i < (row + 1) * k; i++) {
    const [value, index] = [values.data[i], Number(indices?.data[i])];
    const share = kind === 'log_probabilities' ? Math.exp(value) : value;
    if (!Number.isInteger(index) || index < 0 || index >= into.length) {
      throw new RangeError(`has the class ${index} in ${where}, expected 0 to ${into.length - 1}`);
    }
    if (into[index] !== -1) throw new RangeError(`has the class ${index} twice in ${where}`);
    if (!(share >= 0 && share <= 1 + tolerance))
      throw new RangeError(`has ${value} in ${where}, which is not one of ${kind}`);
    into[index] = share;
    sum += share;
  }
  if (sum > 1 + tolerance)
    throw new RangeError(`has ${kind} in ${where} that sum to ${sum}, expected at most 1`);
  const rest = Math.max(0, 1 - sum) / (into.length - k);
  for (const [index, share] of into.entries())
    into[index] = Math.log(Math.max(share === -1 ? rest : share, floor));
}
