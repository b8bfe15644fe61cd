/**
 * Reads damaged files of one kind in a process of its own, which a fault may take down or fill with memory. It tells its parent the
 * number of each file before each step.
 */
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { datasets, recognise } from '@distillery/datasets';
import { allInputs, contextIn, mutated, wholeFiles, writeFiles } from '@distillery/datasets/testing';
import { randomStream } from '@distillery/engine/random';
import { DistilleryError } from '@distillery/spec';
import type { FuzzEnd, FuzzTask } from './run-kind.ts';
import { weightFiles } from './weights.ts';

const { kind, first, files, seed } = JSON.parse(process.argv[2] ?? '') as FuzzTask;
const base = await mkdtemp(join(tmpdir(), 'distillery-fuzz-'));
// Names that lead out of the folder end in one of these.
const home = join(base, 'a/b/c');
const outcomes = { read: 0, refused: 0 };
const faults: string[] = [];
let longestMs = 0;

/** Counts how reading ended; an error must be one of the errors that people can act on. */
async function tried(
  file: number,
  allowed: readonly string[],
  read: () => Promise<unknown>,
  mustRead = true,
): Promise<void> {
  process.send?.({ file });
  const begun = performance.now();
  try {
    await read();
    outcomes.read++;
  } catch (error) {
    outcomes.refused++;
    if (!(error instanceof DistilleryError) || !allowed.includes(error.code) || (file === 0 && mustRead))
      faults.push(`file ${file}: ${error instanceof Error ? error.stack : String(error)}`);
  } finally {
    longestMs = Math.max(longestMs, performance.now() - begun);
  }
}

const ofWeights = weightFiles.find(({ name }) => name === kind);
const whole = ofWeights === undefined ? await wholeFiles[kind].files() : { weights: ofWeights.whole() };
const damage = ofWeights === undefined ? wholeFiles[kind].damage : 'weights';
for (let file = first; file < first + files; file++) {
  // The first file is whole: it must be read.
  const bytes = file === 0 ? whole[damage] : mutated(whole[damage], randomStream(seed, 'fuzz', kind, file));
  if (ofWeights !== undefined) {
    await tried(file, ['artifact_corrupt'], async () => ofWeights.read(bytes));
    continue;
  }
  await mkdir(home, { recursive: true });
  const context = await contextIn(home);
  await writeFiles(context.roots[0], { ...whole, [damage]: bytes });
  const before = await readdir(base, { recursive: true });
  const { choice } = wholeFiles[kind];
  const spec = datasets.schema.parse(choice);
  const source = datasets.get(spec.source);
  await tried(file, ['data_error'], () => recognise(join(context.roots[0], damage)), false);
  await tried(file, ['data_error'], () => source.outline(spec, context));
  await tried(file, ['data_error'], async () => {
    const { train, test } = await source.load(spec, context);
    for (const split of [train, test]) await allInputs(split);
  });
  const cache = context.cacheDir.slice(base.length + 1);
  const left = (await readdir(base, { recursive: true })).filter(
    (name) => !before.includes(name) && name !== cache && !name.startsWith(`${cache}/`),
  );
  if (left.length > 0) faults.push(`file ${file}: wrote ${left.join(', ')}`);
  await rm(base, { recursive: true, force: true });
}
await rm(base, { recursive: true, force: true });
const peakBytes = 1024 * process.resourceUsage().maxRSS;
const end: FuzzEnd = { ...outcomes, faults, longestMs, peakBytes };
process.send?.({ end }, () => process.exit(0));
