import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readlink, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openStore, type Store } from '@distillery/store';
import { blobFile, flipByte } from '@distillery/store/testing';
import { memorySplit, type Split, transforms } from '@distillery/datasets';
import { openAugmenter } from '@distillery/datasets/augmenter';
import { allInputs, generatedSplit } from '@distillery/datasets/testing';
import { randomStream } from '@distillery/engine';
import type { Augmentation } from '@distillery/spec';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { batchesAhead } from './batch-ahead.ts';
import type { BatchRequest, BatchSource, TeacherRows } from './batch-thread.ts';
import { batchMaker, epochOrder, everyIndex, partnersOf, withPartners } from './batches.ts';
import { rowFile, rowWriter } from '../outputs.ts';
import { openRows, type RowFile } from './row-reader.ts';
import { batchThread } from './thread.ts';

const count = 50;
const views = 2;
const shapes: Record<string, number[]> = { logits: [4], stage1: [6, 6, 3] };
const stream = randomStream(1, 'test');
const images = Uint8Array.from({ length: count * 72 }, () => stream.below(256));
const labels = Int32Array.from({ length: count }, (_, i) => i % 4);
const described = { shape: [6, 6, 2], bytes: 72, digest: 'd' };
const split = memorySplit({ inputs: images, labels }, described);
const dataset: BatchSource['dataset'] = {
  shape: [6, 6, 2],
  normalization: { mean: [0.5, 0.25], std: [0.5, 0.2] },
};
const augmentation = { type: 'crop_flip', seed: 7, views } as const;

let folder: string;
let store: Store;
let teacher: TeacherRows;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'distillery-ahead-'));
  store = await openStore(folder);
  teacher = await storedTeacher();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Rows for the images in reverse order. */
async function storedTeacher(): Promise<TeacherRows> {
  const stored = async (shape: number[]): Promise<RowFile> => {
    const writer = rowWriter(store, shape);
    const numbers = count * shape.reduce((a, b) => a * b);
    await writer.write(Float32Array.from({ length: numbers }, () => stream.normal()));
    return await rowFile(store, await writer.close());
  };
  const taps: TeacherRows['taps'] = {};
  for (const [tap, shape] of Object.entries(shapes)) {
    taps[tap] = [];
    for (let view = 0; view < views; view++) taps[tap].push(await stored(shape));
  }
  return { position: everyIndex(count).reverse(), taps };
}

/** The images of these indices, as a reader reads them. */
function gathered(all: Uint8Array, indices: Int32Array): Uint8Array {
  const read = new Uint8Array(indices.length * 72);
  indices.forEach((index, i) => read.set(all.subarray(index * 72, (index + 1) * 72), i * 72));
  return read;
}

/** Epochs of batches of 16, the last of each smaller. */
function* epochs(number: number): Generator<BatchRequest> {
  for (let epoch = 0; epoch < number; epoch++) {
    const order = epochOrder(everyIndex(count), 3, epoch);
    for (let at = 0; at < count; at += 16) {
      yield { indices: order.subarray(at, at + 16), view: epoch % views };
    }
  }
}

async function all(source: BatchSource, requests: Iterable<BatchRequest>): Promise<number> {
  let batches = 0;
  for await (const _ of batchesAhead(source, requests)) batches++;
  return batches;
}

const streamed = generatedSplit(count, [6, 6, 2], 4);

/** The same images where sources leave them, and a reader that makes them when it is asked. */
const splits: Record<string, () => Promise<Split>> = {
  'in memory': async () => split,
  'in a file': async () => ({ ...split, reader: await inFile(0) }),
  'in a file that is kept in memory': async () => ({ ...split, reader: await inFile(1 << 20) }),
  'that are streamed': async () => streamed,
};

async function inFile(memory: number): Promise<Split['reader']> {
  const path = join(folder, 'images');
  await writeFile(path, images);
  return { ...split.reader, kind: 'file', path, offset: 0, memory } as Split['reader'];
}

test.each(Object.entries(splits))(
  'bytes are those of the same functions called here; images %s',
  async (_where, make) => {
    const own = await make();
    const all = own === streamed ? await allInputs(streamed) : images;
    const source = { dataset, split: own, augmentation, teacher };
    const augmenter = openAugmenter(augmentation, dataset.shape, undefined);
    const maker = batchMaker(source, augmenter);
    const makeBatch = (indices: Int32Array, view: number) => maker(gathered(all, indices), indices, view);
    const expected = epochs(5);
    for await (const batch of batchesAhead(source, epochs(5))) {
      const { indices, view } = expected.next().value as BatchRequest;
      const { teacher: outputs, ...rest } = batch;
      expect(rest).toEqual(makeBatch(indices, view));
      expect(Object.keys(outputs)).toEqual(Object.keys(shapes));
      for (const [tap, { values, shape }] of Object.entries(outputs)) {
        const reader = await openRows(teacher.taps[tap][view], store);
        expect(shape).toEqual(shapes[tap]);
        expect(values).toEqual(reader.read(indices.map((index) => count - 1 - index)));
        await reader.close();
      }
    }
    expect(expected.next().done).toBe(true);
  },
);

test('the thread reads the partners of mixed images as well', async () => {
  const mixed: Augmentation = {
    type: 'none',
    transforms: [{ type: 'rand_augment' }, { type: 'cutmix', probability: 0.7 }, { type: 'mixup' }].map(
      (choice) => transforms.schema.parse(choice),
    ),
    seed: 3,
    views,
  };
  const pool = everyIndex(20);
  const source = { dataset, split: await splits['in a file'](), augmentation: mixed, pool };
  const augmenter = openAugmenter(mixed, dataset.shape, pool);
  const maker = batchMaker(source, augmenter);
  const expected = epochs(2);
  for await (const { teacher: _, ...batch } of batchesAhead(source, epochs(2))) {
    const { indices, view } = expected.next().value as BatchRequest;
    const partners = partnersOf(augmenter, indices, view);
    expect(batch).toEqual(maker(gathered(images, withPartners(indices, partners)), indices, view, partners));
    expect(batch.mixed?.shares.some((share) => share < 1)).toBe(true);
  }
  expect(expected.next().done).toBe(true);
});

test('two batches are under way while the caller works, however long it takes', async () => {
  let asked = 0;
  let taken = 0;
  function* counted() {
    for (const request of epochs(3)) {
      asked++;
      yield request;
    }
  }
  const open: number[] = [];
  for await (const _ of batchesAhead({ dataset, split, augmentation: undefined }, counted())) {
    taken++;
    if (taken % 4 === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    open.push(asked - taken);
  }
  expect(open).toEqual([...Array<number>(10).fill(2), 1, 0]);
});

test('runs share the thread and do not mix', async () => {
  const source = { dataset, split, augmentation: undefined };
  const thread = batchThread();
  const maker = batchMaker(source);
  const makeBatch = (indices: Int32Array) => maker(gathered(images, indices), indices);
  const one = batchesAhead(source, epochs(1));
  const other = batchesAhead(source, [{ indices: Int32Array.of(7), view: 0 }]);
  const first = epochs(1).next().value as BatchRequest;
  const [a, b] = await Promise.all([one.next(), other.next()]);
  expect(a.value).toMatchObject(makeBatch(first.indices));
  expect(b.value).toMatchObject(makeBatch(Int32Array.of(7)));
  expect(await other.next()).toEqual({ done: true, value: undefined });
  await one.return();
  expect(batchThread()).toBe(thread);
  expect(thread.onEnd.size).toBe(0);
});

test('a blob that is damaged, or gone, is the error that it is here, before the first batch', async () => {
  const damaged = await storedTeacher();
  const view1 = blobFile(store, damaged.taps.stage1[1].digest);
  // The second epoch's view: no batch of the first may come before the error.
  for (const damage of [() => flipByte(view1), () => truncate(view1, 100)]) {
    await damage();
    const source = { dataset, split, augmentation, teacher: damaged };
    await expect(all(source, epochs(2))).rejects.toMatchObject({
      name: 'DistilleryError',
      code: 'artifact_corrupt',
      message: expect.stringContaining(`the blob ${damaged.taps.stage1[1].digest} is damaged`),
      cause: expect.objectContaining({ message: expect.stringContaining('blob-file') }),
    });
  }
  const lost = await storedTeacher();
  await rm(blobFile(store, lost.taps.logits[0].digest));
  await expect(all({ dataset, split, augmentation, teacher: lost }, epochs(1))).rejects.toMatchObject({
    code: 'checkpoint_not_found',
  });
  expect(await all({ dataset, split, augmentation, teacher }, epochs(1))).toBe(4);
});

test('a run that has begun keeps its files', async () => {
  const own = await storedTeacher();
  const reading = batchesAhead({ dataset, split, augmentation, teacher: own }, epochs(2));
  await reading.next();
  for (const { digest } of Object.values(own.taps).flat()) await store.remove(digest);
  let more = 0;
  for await (const { teacher: outputs } of reading) more += Object.keys(outputs).length;
  expect(more).toBe(7 * 2);
});

test('a thread that ends is an error with its cause, waited for or not; the next run has another', async () => {
  const source = { dataset, split, augmentation, teacher };
  const reading = batchesAhead(source, epochs(3));
  await reading.next();
  const thread = batchThread();
  await thread.worker.terminate();
  // What was ready may still come.
  const rest = (async () => {
    for await (const _ of reading);
  })();
  await expect(rest).rejects.toMatchObject({ code: 'internal', message: /ended: exit code 1/ });
  expect(thread.onEnd.size).toBe(0);

  expect(batchThread()).not.toBe(thread);
  const waiting = all(source, epochs(3));
  // No such message is ever sent: it ends the thread by an exception.
  batchThread().worker.postMessage(null);
  await expect(waiting).rejects.toMatchObject({
    code: 'internal',
    message: expect.stringContaining('Cannot destructure'),
    cause: expect.any(TypeError),
  });
  expect(await all(source, epochs(1))).toBe(4);
});

test.runIf(process.platform === 'linux')('a run that ends early closes its files', async () => {
  const openFiles = async () => {
    const names = await Promise.all(
      (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
    );
    return names.filter((name) => name.startsWith(folder)).length;
  };
  await vi.waitFor(async () => expect(await openFiles()).toBe(0));
  for await (const _ of batchesAhead({ dataset, split, augmentation, teacher }, epochs(9))) {
    expect(await openFiles()).toBe(4);
    break;
  }
  await vi.waitFor(async () => expect(await openFiles()).toBe(0));
});

test('a process waits for its next batch, and for nothing else of the thread', async () => {
  const script = `
    import { batchesAhead } from ${JSON.stringify(new URL('batch-ahead.ts', import.meta.url).href)};
    const shared = new Uint8Array(new SharedArrayBuffer(12));
    const reader = { kind: 'memory', inputs: shared, count: 4, shape: [1, 1, 3], bytes: 3, digest: 'd' };
    const split = { reader, labels: new Int32Array(4), count: 4 };
    const dataset = { shape: [1, 1, 3], normalization: { mean: [0, 0, 0], std: [1, 1, 1] } };
    const request = { indices: Int32Array.of(1, 2), view: 0 };
    const batches = batchesAhead({ dataset, split }, [request, request, request, request, request]);
    console.log((await batches.next()).value.size);
  `;
  const loader = import.meta.resolve('tsx');
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', loader, '--input-type=module', '-e', script],
    { timeout: 20_000 },
  );
  expect(stdout).toBe('2\n');
});
