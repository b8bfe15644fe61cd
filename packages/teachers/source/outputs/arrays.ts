/** The arrays of a file of outputs, by name. */
export interface GivenArrays {
  /** The SHA-256 of the file, and its size in bytes. */
  digest: string;
  size: number;
  arrays: ReadonlyMap<string, GivenArray>;
}

/** Numbers with their shape, the last dimension fastest. */
export interface GivenArray {
  shape: readonly number[];
  data: ArrayLike<number>;
}

/** What the numbers of a file of outputs are. */
export type ValueKind = 'logits' | 'probabilities' | 'log_probabilities';

/** The samples and the classes that a file of outputs must have numbers for. */
export interface Wanted {
  count: number;
  classes: number;
}

/** One split of a file of outputs. */
export interface GivenSplit {
  name: 'train' | 'test';
  /** `[rows, classes]`, or `[rows, k]` where `indices` names the class of each value. */
  values: GivenArray;
  indices?: GivenArray | undefined;
  /** The position of each row's sample in the split; absent: rows are in the order of the samples. */
  ids?: GivenArray | undefined;
}

/**
 * Finds the arrays of a split: `train` with all classes, or `train_values` with `train_indices` for the largest k of each sample;
 * `train_ids` may say which sample each row belongs to.
 *
 * @returns undefined where the file has none
 * @throws RangeError for arrays whose shapes do not fit each other
 */
export function splitOf({ arrays }: GivenArrays, name: GivenSplit['name']): GivenSplit | undefined {
  const whole = arrays.get(name);
  const values = whole ?? arrays.get(`${name}_values`);
  if (values === undefined) return undefined;
  const title = whole === undefined ? `${name}_values` : name;
  const indices = whole === undefined ? arrays.get(`${name}_indices`) : undefined;
  if (whole === undefined && indices === undefined)
    throw new RangeError(`has ${name}_values, but no ${name}_indices that name their classes`);
  if (values.shape.length !== 2) {
    throw new RangeError(`has ${title} of the shape [${values.shape}], expected [samples, classes]`);
  }
  if (indices !== undefined && `${indices.shape}` !== `${values.shape}`) {
    throw new RangeError(
      `has ${name}_indices of the shape [${indices.shape}], expected that of ${name}_values, [${values.shape}]`,
    );
  }
  const ids = arrays.get(`${name}_ids`);
  if (ids !== undefined && `${ids.shape}` !== `${values.shape[0]}`) {
    throw new RangeError(`has ${name}_ids of the shape [${ids.shape}], expected [${values.shape[0]}]`);
  }
  return { name, values, indices, ids };
}
