import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { randomStream } from '@distillery/engine/random';
import { DistilleryError } from '@distillery/spec';
import { expect, test } from 'vitest';
import { datasets } from '../index.ts';
import { contextIn, temporaryFolder, writeFiles } from '../testing/fixtures.ts';
import { mutated } from '../testing/mutated.ts';
import { wholeFiles } from '../testing/whole-files.ts';

/** The number of damaged files of each kind; set FUZZ_FILES for more. */
const files = Number(process.env.FUZZ_FILES ?? 60);
/** A load that takes longer hangs: a whole one takes some milliseconds. */
const patience = 60_000;

test.each(Object.entries(wholeFiles))(
  'damaged %s is read or refused, without a crash or a hang',
  { timeout: 60_000 + 400 * files },
  async (name, { damage, choice, files: make }) => {
    const folder = await temporaryFolder();
    const context = await contextIn(folder);
    const spec = datasets.schema.parse(choice);
    const kind = datasets.get(spec.source);
    const whole = await make();
    const outcomes = { read: 0, refused: 0 };
    for (let index = 0; index <= files; index++) {
      const stream = randomStream(1, 'fuzz', name, index);
      // The first file is whole.
      const damaged = index === 0 ? whole[damage] : mutated(whole[damage], stream);
      await writeFiles(context.roots[0], { ...whole, [damage]: damaged });
      for (const step of [kind.outline, kind.load]) {
        const signal = AbortSignal.timeout(patience);
        const error: unknown = await step(spec, { ...context, signal }).then(
          () => undefined,
          (reason: unknown) => reason,
        );
        const where = `file ${index}: ${error instanceof Error ? error.stack : String(error)}`;
        if (error !== undefined) expect(error, where).toBeInstanceOf(DistilleryError);
        if (error !== undefined) expect((error as DistilleryError).code, where).toBe('data_error');
        outcomes[error === undefined ? 'read' : 'refused']++;
        if (index === 0) expect(error, where).toBeUndefined();
      }
      await rm(context.cacheDir, { recursive: true, force: true });
    }
    expect(outcomes.refused).toBeGreaterThan(0);
    // Nothing is written beside the cache.
    expect((await readdir(folder)).sort()).toEqual(['data']);
    expect((await readdir(join(folder, 'data'), { recursive: true })).length).toBeLessThanOrEqual(3);
  },
);
