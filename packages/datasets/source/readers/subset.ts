import type { ReaderDescription, ReaderKind } from './reader.ts';

/** Some of the inputs of another reader. */
export interface Subset extends ReaderDescription {
  kind: 'subset';
  of: ReaderDescription;
  /** `[count]`: the indices of the inputs in the other reader. */
  indices: Int32Array;
}

export const subset: ReaderKind<Subset> = {
  type: 'subset',
  async open({ of, indices: chosen }, openReader) {
    const reader = await openReader(of);
    return {
      read: (indices, into) =>
        reader.read(
          indices.map((index) => chosen[index]),
          into,
        ),
      close: () => reader.close(),
    };
  },
};
