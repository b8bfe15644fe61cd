import { Worker } from 'node:worker_threads';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openReader, type Reader, type ReaderDescription } from '../readers/index.ts';

/** A reader for the conformance suite, with its expected inputs. */
export interface ReaderFixture {
  description: ReaderDescription;
  /** `[count × bytes]`, the inputs that it must read. */
  inputs: Uint8Array;
}

/**
 * The conformance suite of readers. Call it for each kind, and for each way to open it.
 *
 * @param prepare returns a reader with at least 20 inputs; it is called for each test
 */
export function describeReader(name: string, prepare: () => Promise<ReaderFixture>): void {
  async function opened(): Promise<ReaderFixture & { reader: Reader }> {
    const fixture = await prepare();
    const reader = await openReader(fixture.description);
    onTestFinished(() => reader.close());
    return { ...fixture, reader };
  }

  describe(`the reader ${name}`, () => {
    test('has count, shape, bytes and digest of its description', async () => {
      const { reader, description, inputs } = await opened();
      const { count, shape, bytes, digest } = description;
      expect(reader).toMatchObject({ count, shape, bytes, digest });
      expect(count).toBeGreaterThanOrEqual(20);
      expect(inputs).toHaveLength(count * bytes);
    });

    test.each(Object.entries(orders))('reads inputs %s', async (_what, orderOf) => {
      const { reader, description, inputs } = await opened();
      for (const indices of orderOf(description.count)) {
        const into = new Uint8Array(indices.length * reader.bytes).fill(0xaa);
        await reader.read(indices, into);
        expect(into).toEqual(picked(inputs, reader.bytes, indices));
      }
    });

    test('reads in another thread from its description alone', async () => {
      const { description, inputs } = await prepare();
      const indices = Int32Array.of(description.count - 1, 0, 7, 7);
      expect(await readInThread(description, indices)).toEqual(picked(inputs, description.bytes, indices));
    });

    test('refuses indices outside the split and a target of another length', async () => {
      const { reader, description } = await opened();
      const into = new Uint8Array(description.bytes);
      await expect(async () => reader.read(Int32Array.of(description.count), into)).rejects.toThrow(
        RangeError,
      );
      await expect(async () => reader.read(Int32Array.of(-1), into)).rejects.toThrow(RangeError);
      await expect(async () => reader.read(Int32Array.of(0, 1), into)).rejects.toThrow(RangeError);
    });

    test('can be closed twice and then reads nothing, while another reader of the same inputs still works', async () => {
      const { reader, description, inputs } = await opened();
      const other = await openReader(description);
      const into = new Uint8Array(description.bytes);
      await reader.read(Int32Array.of(3), into);
      await reader.close();
      await reader.close();
      await expect(async () => reader.read(Int32Array.of(3), into)).rejects.toThrow('closed');
      await other.read(Int32Array.of(4), into);
      expect(into).toEqual(picked(inputs, description.bytes, Int32Array.of(4)));
      await other.close();
    });
  });
}

/** Lists of indices to read one after the other, by what they test. */
const orders: Record<string, (count: number) => Int32Array[]> = {
  'in their order': (count) => [Int32Array.from({ length: count }, (_, i) => i)],
  'one at a time, backwards': (count) =>
    Array.from({ length: count }, (_, i) => Int32Array.of(count - 1 - i)),
  // Neighbours in the list are far apart in the file.
  'far apart and near together': (count) => [
    Int32Array.from({ length: count }, (_, i) => (7 * i) % count),
    Int32Array.of(5, 6, 4, count - 1),
  ],
  'more than once': (count) => [Int32Array.of(2, 2, count - 1, 2), Int32Array.of(2, 0, 2)],
  'or none': () => [new Int32Array()],
};

function picked(inputs: Uint8Array, bytes: number, indices: Int32Array): Uint8Array {
  const into = new Uint8Array(indices.length * bytes);
  indices.forEach((index, i) => into.set(inputs.subarray(index * bytes, (index + 1) * bytes), i * bytes));
  return into;
}

const loader = import.meta.resolve('tsx/esm/api');
const module = new URL('../readers/index.ts', import.meta.url).href;
const script = `
  const { parentPort } = require('node:worker_threads');
  parentPort.once('message', async ({ description, indices }) => {
    const { register } = await import(${JSON.stringify(loader)});
    register();
    const { openReader } = await import(${JSON.stringify(module)});
    const reader = await openReader(description);
    const into = new Uint8Array(indices.length * reader.bytes);
    await reader.read(indices, into);
    await reader.close();
    parentPort.postMessage(into);
  });
`;

async function readInThread(description: ReaderDescription, indices: Int32Array): Promise<Uint8Array> {
  const worker = new Worker(script, { eval: true, execArgv: [] });
  try {
    return await new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
      worker.postMessage({ description, indices });
    });
  } finally {
    await worker.terminate();
  }
}
