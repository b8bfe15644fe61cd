import type { Entry, ZipFile } from 'yauzl';
import { zipContent } from '../archives/zip-content.ts';
import { openRegularFile } from '../regular-file.ts';
import { type NpyHeader, npyHeader } from './npy.ts';

const maximumEntries = 10_000;

/** The arrays of a file of NumPy's `savez`. */
export interface Npz {
  /** The names of the arrays, in the order of the file. */
  keys: string[];
  /** @throws RangeError for an array that is not there, or cannot be read */
  header(key: string): Promise<NpyHeader>;
  /**
   * Yields the bytes of an array behind its header.
   *
   * @throws RangeError when the array is damaged, or is not as long as its header says
   */
  content(key: string): AsyncGenerator<Buffer>;
  close(): void;
}

/** @throws RangeError for a file that is not a zip file */
export async function openNpz(path: string): Promise<Npz> {
  // A pipe must be refused before yauzl waits for it.
  await (await openRegularFile(path)).close();
  const { openPromise } = await import('yauzl');
  const file = await openPromise(path, { autoClose: false, lazyEntries: true }).catch((cause: Error) => {
    throw new RangeError(`is not an NPZ file: ${cause.message}`, { cause });
  });
  try {
    const entries = await entriesOf(file);
    const opened = (key: string) => {
      const entry = entries.get(key);
      if (entry === undefined) throw new RangeError(`has no array ${JSON.stringify(key)}`);
      return unpacked(file, entry);
    };
    return {
      keys: [...entries.keys()],
      async header(key) {
        const { header, rest } = await beginning(key, opened(key));
        await rest.return(undefined);
        return header;
      },
      async *content(key) {
        const { header, first, rest } = await beginning(key, opened(key));
        const wanted = header.shape.reduce((a, b) => a * b, header.bytes);
        let got = 0;
        try {
          for await (const chunk of joined(first, rest)) {
            got += chunk.length;
            if (got > wanted) break;
            yield chunk;
          }
        } catch (cause) {
          throw new RangeError(`${key}: is damaged: ${(cause as Error).message}`, { cause });
        }
        if (got !== wanted)
          throw new RangeError(
            `${key}: holds ${got < wanted ? 'fewer' : 'more'} bytes than the ${wanted} of its shape [${header.shape}]`,
          );
      },
      close: () => file.close(),
    };
  } catch (error) {
    file.close();
    throw error;
  }
}

async function entriesOf(file: ZipFile): Promise<Map<string, Entry>> {
  const entries = new Map<string, Entry>();
  await new Promise<void>((resolve, reject) => {
    file.on('error', (cause: Error) => reject(new RangeError(`is damaged: ${cause.message}`, { cause })));
    file.on('end', resolve);
    file.on('entry', (entry: Entry) => {
      if (entries.size === maximumEntries) reject(new RangeError(`holds more than ${maximumEntries} arrays`));
      if (entry.fileName.endsWith('.npy')) entries.set(entry.fileName.slice(0, -4), entry);
      file.readEntry();
    });
    file.readEntry();
  });
  return entries;
}

async function* unpacked(file: ZipFile, entry: Entry): AsyncGenerator<Buffer> {
  if (entry.isEncrypted()) throw new RangeError('is encrypted');
  yield* zipContent(file, entry, 'its checksum is wrong');
}

/** Reads the header of an array: `first` are the bytes behind it that have been read, `rest` yields the others. */
async function beginning(key: string, rest: AsyncGenerator<Buffer>) {
  let head: Buffer = Buffer.alloc(0);
  try {
    for (;;) {
      const found = npyHeader(head);
      if (found !== undefined) return { header: found.header, first: head.subarray(found.length), rest };
      const { value, done } = await rest.next();
      if (done) throw new RangeError('ends within its header');
      head = Buffer.concat([head, value]);
    }
  } catch (cause) {
    await rest.return(undefined);
    throw new RangeError(`${key}: ${(cause as Error).message}`, { cause });
  }
}

async function* joined(first: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield first;
    yield* rest;
  } finally {
    await rest.return(undefined);
  }
}
