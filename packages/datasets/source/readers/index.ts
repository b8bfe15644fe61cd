/**
 * Readers by kind. The batch thread imports this file when it starts, so nothing here may import TensorFlow.js, sharp or
 * zod.
 */
import { file } from './file.ts';
import { memory } from './memory.ts';
import type { OpenedReader, Reader, ReaderDescription, ReaderKind } from './reader.ts';
import { subset } from './subset.ts';

export { adjacentReads } from './adjacent-reads.ts';
export type { Reader, ReaderDescription, ReaderKind } from './reader.ts';

const kinds = new Map<string, ReaderKind>();

/** The readers of this package and of plug-in modules. */
export const readers = {
  get list(): readonly ReaderKind[] {
    return [...kinds.values()];
  },
  /** @throws RangeError for an unknown name */
  get(type: string): ReaderKind {
    const kind = kinds.get(type);
    if (kind === undefined)
      throw new RangeError(`unknown reader ${JSON.stringify(type)}: ${[...kinds.keys()].join(', ')}`);
    return kind;
  },
  /**
   * Adds a kind. Adding the same kind twice has no effect.
   *
   * @throws RangeError when another kind has its name
   */
  add<Description extends ReaderDescription>(kind: ReaderKind<Description>): void {
    const known = kinds.get(kind.type) ?? kind;
    if (known !== kind) throw new RangeError(`two readers are named ${kind.type}`);
    kinds.set(kind.type, kind);
  },
};

readers.add(file);
readers.add(memory);
readers.add(subset);

/** Opens the described inputs in this thread; the caller closes the reader. */
export async function openReader(description: ReaderDescription): Promise<Reader> {
  const { kind, module } = description;
  if (module !== undefined) await import(module);
  return checked(description, await readers.get(kind).open(description, openReader));
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
