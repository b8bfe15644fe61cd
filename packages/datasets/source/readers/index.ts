/**
 * Readers by kind. The batch thread imports this file when it starts, so nothing here may import TensorFlow.js, sharp or
 * zod.
 */
import { kindList } from '@distillery/spec/kind-list';
import { file } from './file.ts';
import { images } from './images.ts';
import { memory } from './memory.ts';
import type { OpenedReader, Reader, ReaderDescription, ReaderHooks, ReaderKind } from './reader.ts';
import { subset } from './subset.ts';

export { adjacentReads } from './adjacent-reads.ts';
export type { Reader, ReaderDescription, ReaderKind } from './reader.ts';

/** The readers of this package and of plug-in modules. */
export const readers = kindList<ReaderKind>('reader', ({ type }) => type, [file, images, memory, subset]);

/** Opens the described inputs in this thread; the caller closes the reader. */
export async function openReader(description: ReaderDescription, hooks: ReaderHooks = {}): Promise<Reader> {
  const { kind, module } = description;
  if (module !== undefined) await import(module);
  const inner = (of: ReaderDescription) => openReader(of, hooks);
  return checked(description, await readers.get(kind).open(description, inner, hooks));
}

/** Adds the checks that all kinds share. */
function checked({ count, shape, bytes, digest }: ReaderDescription, opened: OpenedReader): Reader {
  let closed = false;
  return {
    count,
    shape,
    bytes,
    digest,
    read(indices, into) {
      if (closed) throw new RangeError('the reader is closed');
      if (into.length !== indices.length * bytes)
        throw new RangeError(`${into.length} bytes for ${indices.length} inputs of ${bytes} bytes`);
      const outside = indices.find((index) => !(index >= 0 && index < count));
      if (outside !== undefined) throw new RangeError(`there is no input ${outside}: the split has ${count}`);
      return opened.read(indices, into);
    },
    close() {
      if (closed) return;
      closed = true;
      return opened.close();
    },
  };
}
