/**
 * The entry of the batch thread. While the device computes, it reads the inputs, augments and normalises them, and reads
 * the teacher's stored rows, with the split's reader and the pure functions of `batches.ts` and `row-reader.ts`. Every
 * trainer waits for the thread to start, so it imports little.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { Augmenter } from '@distillery/datasets/augmenter';
import { openReader, readers } from '@distillery/datasets/readers';
import { DistilleryError, type ErrorCode } from '@distillery/spec/errors';
import { openStore, type Store, storeKinds } from '@distillery/store';
import { addKinds, importPlugin } from '../import-plugin.ts';
import { batchMaker, type InputBatch, type InputSource, partnersOf, withPartners } from './batches.ts';
import { openRows, type RowFile, type RowReader } from './row-reader.ts';

/** What the thread is started with. */
export interface ThreadData {
  /** The plug-ins whose readers and stores the thread may have to open. */
  plugins: readonly string[];
}

/** Everything that the batches of one run are built from. */
export interface BatchSource extends InputSource {
  /** The teacher's stored outputs; absent when no term reads any. */
  teacher?: TeacherRows;
}

export interface TeacherRows {
  /** The row of each image, `[split.count]`. */
  position: Int32Array;
  /** For each tap a blob of rows for each view. */
  taps: Record<string, RowFile[]>;
}

/** A request for one batch: the indices of its images, in one view of the augmentation. */
export interface BatchRequest {
  indices: Int32Array;
  view: number;
}

/** A mini-batch with the teacher's outputs for it. */
export interface Batch extends InputBatch {
  /** The outputs by tap; `shape` is the shape of one row. */
  teacher: Record<string, { values: Float32Array; shape: number[] }>;
}

/** Opens a run. Its requests come through the port, and closing the port ends the run. */
export interface Opening {
  source: BatchSource;
  port: MessagePort;
}

/** A sample that was found out not to be readable, whatever run reads it. */
export interface SkippedSample {
  /** The digest of the reader. */
  digest: string;
  name: string;
  reason: string;
}

/** The answer to a request. `code` is null for an error that is not a DistilleryError. */
export type Answer =
  | { batch: Batch }
  | { failure: { code: ErrorCode | null; message: string; stack: string } };

const ready = loadPlugins(workerData as ThreadData | null);
// A failure is reported to the run that is opened.
ready.catch(() => {});

parentPort?.on('message', ({ source, port }: Opening) => {
  const opening = ready.then(() => open(source));
  // Every request is answered with the failure; before the first one it must not count as unhandled.
  opening.catch(() => {});
  /** Requests are answered one after the other, so that answers keep their order. */
  let answered: Promise<void> = Promise.resolve();
  port.on('message', (request: BatchRequest) => {
    answered = answered.then(() => answer(request));
  });
  port.on('close', () => {
    answered = answered.then(close);
  });

  async function answer(request: BatchRequest): Promise<void> {
    try {
      const { prepare } = await opening;
      const batch = await prepare(request);
      port.postMessage({ batch } satisfies Answer, buffersOf(batch));
    } catch (error) {
      port.postMessage({ failure: describe(error) } satisfies Answer);
    }
  }

  async function close(): Promise<void> {
    const run = await opening.catch(() => undefined);
    await run?.close();
  }
});

/** Adds the readers and stores of plug-ins; transforms follow when a run has an augmentation. */
async function loadPlugins(data: ThreadData | null): Promise<void> {
  for (const name of data?.plugins ?? [])
    addKinds(name, await importPlugin(name), { readers, stores: storeKinds });
}

/** The transforms, with those of plug-ins. They need Zod, which only runs with an augmentation wait for. */
let augmenters: Promise<typeof import('@distillery/datasets/augmenter')> | undefined;

async function loadAugmenters() {
  const loaded = await import('@distillery/datasets/augmenter');
  const { plugins = [] } = (workerData as ThreadData | null) ?? {};
  for (const name of plugins) addKinds(name, await importPlugin(name), { transforms: loaded.transforms });
  return loaded;
}

async function augmenterOf({ augmentation, dataset, pool }: InputSource): Promise<Augmenter | undefined> {
  if (augmentation === undefined) return undefined;
  augmenters ??= loadAugmenters();
  return (await augmenters).openAugmenter(augmentation, dataset.shape, pool);
}

/** The stores that this thread has opened, by URL. */
const stores = new Map<string, Promise<Store>>();

function storeAt(url: string): Promise<Store> {
  let store = stores.get(url);
  if (store === undefined) {
    store = openStore(url);
    stores.set(url, store);
    // The next run tries again.
    store.catch(() => stores.delete(url));
  }
  return store;
}

async function open({ teacher, ...inputs }: BatchSource) {
  const augmenter = await augmenterOf(inputs);
  const makeBatch = batchMaker(inputs, augmenter);
  const position = teacher?.position ?? new Int32Array();
  const taps: Record<string, RowReader[]> = {};
  const { digest } = inputs.split.reader;
  const skipped = (name: string, reason: string) =>
    parentPort?.postMessage({ digest, name, reason } satisfies SkippedSample);
  const reader = await openReader(inputs.split.reader, { skipped });
  const close = async () => {
    const rows = Object.values(taps).flat();
    await Promise.all([reader.close(), ...rows.map((opened) => opened.close())]);
  };
  try {
    // Open all blobs now: a run that has begun can read them even if they are removed from the store.
    for (const [tap, views] of Object.entries(teacher?.taps ?? {})) {
      taps[tap] = [];
      for (const file of views) taps[tap].push(await openRows(file, await storeAt(file.store)));
    }
  } catch (error) {
    await close();
    throw error;
  }
  /** The buffer for the inputs of a batch; it has the size of the largest batch so far. */
  let block = new Uint8Array();
  return {
    async prepare({ indices, view }: BatchRequest): Promise<Batch> {
      const partners = partnersOf(augmenter, indices, view);
      const needed = withPartners(indices, partners);
      const wanted = needed.length * reader.bytes;
      if (block.length < wanted) block = new Uint8Array(wanted);
      const read = block.subarray(0, wanted);
      await reader.read(needed, read);
      const rows = indices.map((index) => position[index]);
      const outputs = Object.entries(taps).map(([tap, readers]) => {
        const stored = readers[view];
        return [tap, { values: stored.read(rows), shape: stored.shape }] as const;
      });
      return { ...makeBatch(read, indices, view, partners), teacher: Object.fromEntries(outputs) };
    },
    close,
  };
}

/** The buffers of a batch, which are transferred without a copy. */
function buffersOf({ inputs, labels, labelled, mixed, indices, teacher }: Batch): ArrayBuffer[] {
  const rows = Object.values(teacher).map(({ values }) => values);
  return [
    inputs,
    labels,
    ...(labelled ? [labelled] : []),
    indices,
    ...Object.values(mixed ?? {}),
    ...rows,
  ].map(({ buffer }) => buffer as ArrayBuffer);
}

function describe(error: unknown) {
  const { message, stack = message } = error instanceof Error ? error : new Error(String(error));
  return { code: error instanceof DistilleryError ? error.code : null, message, stack };
}
