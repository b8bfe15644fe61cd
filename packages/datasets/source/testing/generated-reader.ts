import { setImmediate } from 'node:timers/promises';
import type { Split } from '../dataset.ts';
import { type ReaderDescription, type ReaderKind, readers } from '../readers/index.ts';

/**
 * A reader like that of a streaming source: this module adds the kind, which computes inputs on demand and keeps none of
 * them in memory or in a file.
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

/** @param shape the shape of one image; labels cycle through `classes` */
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
