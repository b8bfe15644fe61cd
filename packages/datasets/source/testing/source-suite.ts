import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bytesOf, contentDigest } from '../content-digest.ts';
import { type Dataset, type DatasetContext, type DatasetKind, inputBytes, type Split } from '../dataset.ts';
import { openReader } from '../readers/index.ts';
import { allInputs } from './all-inputs.ts';
import { contextIn, temporaryFolder } from './fixtures.ts';

/** Small data that a source can load without a network. */
export interface SourceFixture {
  /** The source's options, as in a job spec. */
  options: object;
  /** Creates the files that the options name. The context has one root, an empty folder. */
  prepare?(context: DatasetContext): Promise<void>;
  /** True where the digest is derived from what determines the samples, because the samples are not all read. */
  derivedDigest?: true;
}

/** The conformance suite of sources. */
export function describeSource(kind: DatasetKind, { options, prepare, derivedDigest }: SourceFixture): void {
  async function prepared() {
    const context = await contextIn(await temporaryFolder());
    await prepare?.(context);
    return { context, choice: kind.options.parse(options) };
  }

  describe(`the source ${kind.type}`, () => {
    test('has an outline that matches the loaded data, before and after loading', async () => {
      const { context, choice } = await prepared();
      const before = await kind.outline(choice, context);
      const { classes, shape, train, test: held, vocabulary } = await kind.load(choice, context);
      const loaded = { classes, shape, trainCount: train.count, testCount: held.count };
      expect(before).toMatchObject(loaded);
      expect(before.vocabulary).toBe(vocabulary);
      expect(await kind.outline(choice, context)).toEqual(before);
      expect([train.count, held.count].every((count) => count > 0)).toBe(true);
    });

    test('gives each split labels of its classes, and a reader that can be cloned to another thread', async () => {
      const { context, choice } = await prepared();
      const dataset = await kind.load(choice, context);
      for (const split of [dataset.train, dataset.test]) {
        expect(split.labels).toHaveLength(split.count);
        expect(split.labels.every((label) => label >= 0 && label < dataset.classes.length)).toBe(true);
        const { count, shape, bytes } = split.reader;
        expect({ count, shape, bytes }).toEqual({
          count: split.count,
          shape: dataset.shape,
          bytes: inputBytes(dataset),
        });
        expect(await allInputs(structuredClone(split))).toEqual(await allInputs(split));
      }
      expect(dataset.train.reader.digest).not.toBe(dataset.test.reader.digest);
    });

    test('reads the same inputs in any order', async () => {
      const { context, choice } = await prepared();
      const { train } = await kind.load(choice, context);
      const inputs = await allInputs(train);
      const reader = await openReader(train.reader);
      const one = new Uint8Array(reader.bytes);
      for (let index = train.count - 1; index >= 0; index--) {
        await reader.read(Int32Array.of(index), one);
        expect(one).toEqual(inputs.subarray(index * reader.bytes, (index + 1) * reader.bytes));
      }
      await reader.close();
    });

    test('loads the same data again, with the digest of their content', async () => {
      const { context, choice } = await prepared();
      const [first, again] = [await kind.load(choice, context), await kind.load(choice, context)];
      expect(await contents(again)).toEqual(await contents(first));
      const { train, test: held, ...about } = first;
      if (derivedDigest) {
        expect(first.digest).toMatch(/^[0-9a-f]{64}$/);
        return;
      }
      const parts = [await allInputs(train), train.labels, await allInputs(held), held.labels];
      const counts = { train: train.count, test: held.count };
      expect(first.digest).toBe(await contentDigest(about, counts, parts.map(bytesOf), undefined));
    });

    test.runIf('path' in kind.options.shape)(
      'refuses a pipe in place of its file, without waiting',
      async () => {
        const { context, choice } = await prepared();
        const pipe = join(context.roots[0], 'pipe.tar');
        execFileSync('mkfifo', [pipe]);
        for (const read of [kind.outline, kind.load]) {
          await expect(read({ ...choice, path: pipe }, context)).rejects.toMatchObject({
            code: 'data_error',
            message: expect.stringMatching(/pipe\.tar: is not a (regular )?file/),
            fields: [{ path: '/dataset/path', value: pipe }],
          });
        }
      },
    );

    test('ends a cancelled load with the reason of the signal, and can load afterwards', async () => {
      const { context, choice } = await prepared();
      const signal = AbortSignal.abort(new Error('cancelled'));
      await expect(kind.load(choice, { ...context, signal })).rejects.toThrow('cancelled');
      await expect(kind.load(choice, context)).resolves.toBeDefined();
    });
  });
}

async function contents({ train, test: held, ...about }: Dataset) {
  const of = async (split: Split) => ({ labels: split.labels, inputs: await allInputs(split) });
  return { ...about, train: await of(train), test: await of(held) };
}
