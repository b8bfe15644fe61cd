import { Worker } from 'node:worker_threads';

/** What a thread reads of a file. */
interface ParquetOutline {
  /** The names of the columns that are not nested. */
  header: string[];
  /** The names of all columns, nested ones included. */
  columns: string[];
  /** The names of the columns of images, as Hugging Face writes them: a struct with the field `bytes`. */
  images: string[];
  /** The numbers of rows of the row groups. */
  groups: number[];
  /** What Hugging Face writes beside the schema. */
  huggingFace: string | undefined;
}

/** The most bytes of one page, because a small page can unpack to gigabytes, and of one read of the file. */
const [maximumPage, maximumRead] = [256 * 2 ** 20, 2 ** 30];
/** The most memory of the thread in MiB, and the most time for one row group in ms. */
const [maximumMemory, patience] = [2048, 30_000];

/**
 * The library trusts the numbers in a file: a damaged page can make it loop for hours or fill the memory. So it runs in a
 * thread that can be ended. The text runs as it is, as plain JavaScript, in a checkout and in a build.
 */
const script = `
  const { parentPort, workerData } = require('node:worker_threads');
  const { openSync, fstatSync, readSync } = require('node:fs');
  const { path, modules, maximumPage, maximumRead } = workerData;
  const descriptor = openSync(path, 'r');
  const byteLength = fstatSync(descriptor).size;
  const file = {
    byteLength,
    slice(start, end = byteLength) {
      const length = end - start;
      if (!(start >= 0 && length >= 0 && end <= byteLength)) throw new Error('it points outside of itself');
      if (length > maximumRead) throw new Error('a part of it holds more than ' + maximumRead + ' bytes');
      const bytes = new Uint8Array(length);
      for (let got = 0; got < length; ) {
        const now = readSync(descriptor, bytes, got, length - got, start + got);
        if (now === 0) throw new Error('it ends early');
        got += now;
      }
      return bytes.buffer;
    },
  };
  const opening = (async () => {
    const library = await import(modules.hyparquet);
    const codecs = (await import(modules.compressors)).compressors;
    const metadata = await library.parquetMetadataAsync(file, { initialFetchSize: 65536 });
    const bounded = (unpack) => (input, length) => {
      if (!(length <= maximumPage)) throw new Error('a page unpacks to more than ' + maximumPage + ' bytes');
      return unpack(input, length);
    };
    const compressors = Object.fromEntries(Object.entries(codecs).map(([name, unpack]) => [name, bounded(unpack)]));
    return { library, metadata, compressors };
  })();
  parentPort.on('message', async (request) => {
    try {
      const { library, metadata, compressors } = await opening;
      if (request === 'outline') {
        const { children } = library.parquetSchema(metadata);
        parentPort.postMessage({
          value: {
            header: children.filter((child) => child.children.length === 0).map(({ element }) => element.name),
            columns: children.map(({ element }) => element.name),
            images: children
              .filter((child) => child.children.some(({ element }) => element.name === 'bytes'))
              .map(({ element }) => element.name),
            groups: metadata.row_groups.map((group) => Number(group.num_rows)),
            huggingFace: (metadata.key_value_metadata ?? []).find(({ key }) => key === 'huggingface')?.value,
          },
        });
      } else {
        parentPort.postMessage({ value: await library.parquetReadObjects({ file, metadata, compressors, ...request }) });
      }
    } catch (error) {
      parentPort.postMessage({ failure: String(error?.message ?? error) });
    }
  });
`;

/** Opens a Parquet file in a thread. Errors are RangeErrors that say what is wrong with the file. */
export function parquetThread(path: string) {
  const modules = {
    hyparquet: import.meta.resolve('hyparquet'),
    compressors: import.meta.resolve('hyparquet-compressors'),
  };
  const worker = new Worker(script, {
    eval: true,
    execArgv: [],
    workerData: { path, modules, maximumPage, maximumRead },
    resourceLimits: { maxOldGenerationSizeMb: maximumMemory },
  });
  const ask = (request: unknown): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const fail = (reason: string) =>
        finish(() => reject(new RangeError(`is not a Parquet file that can be read: ${reason}`)));
      const timer = setTimeout(() => fail(`a part of it takes longer than ${patience / 1000} s`), patience);
      const answered = (answer: { value: unknown } | { failure: string }) =>
        'failure' in answer ? fail(answer.failure) : finish(() => resolve(answer.value));
      const failed = (error: Error) => fail(error.message);
      const finish = (settle: () => void) => {
        clearTimeout(timer);
        worker.off('message', answered).off('error', failed);
        settle();
      };
      worker.on('message', answered).on('error', failed);
      worker.postMessage(request);
    });
  return {
    outline: () => ask('outline') as Promise<ParquetOutline>,
    /**
     * Reads rows of some columns, as objects by the names of the columns.
     *
     * @param utf8 whether bytes of no type are texts
     */
    rows: (columns: readonly string[], rowStart: number, rowEnd: number, utf8 = true) =>
      ask({ columns, rowStart, rowEnd, utf8 }) as Promise<Record<string, unknown>[]>,
    close: () => worker.terminate(),
  };
}
