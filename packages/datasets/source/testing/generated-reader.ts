import { setImmediate } from 'node:timers/promises';
import type { Split } from '../dataset.ts';
import { type ReaderDescription, type ReaderKind, readers } from '../readers/index.ts';

/**
 * A reader as a source that streams would bring one: a kind that a module of its own adds, which makes what it is asked
 * for, when it is asked for it, and has none of it in memory or in a file.
 */
const generated: ReaderKind = {
  type: 'generated',
  open({ bytes }) {
    return {
      async read(indices, into) {
        await setImmediate();
        into.forEach((_, at) => {
          into[at] = generatedByte(indices[Math.floor(at / bytes)], at % bytes);
        });
      },
      close: () => {},
    };
  },
};
readers.add(generated);

/** Byte `at` of input `index`. */
function generatedByte(index: number, at: number): number {
  return (index * 89 + at * 7 + (index * at) / 3) & 255;
}

/** @param shape of one image; labels go round `classes` */
export function generatedSplit(count: number, shape: number[], classes: number): Split {
  const reader: ReaderDescription = {
    kind: generated.type,
    module: import.meta.url,
    count,
    shape,
    bytes: shape.reduce((product, extent) => product * extent, 1),
    digest: `${count} generated inputs of ${shape}`,
  };
  return { reader, labels: Int32Array.from({ length: count }, (_, index) => index % classes), count };
}
