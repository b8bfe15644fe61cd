/**
 * Our side of the benchmark: the loop that the trainer runs (`packages/training/source/train.ts`), nothing rewritten for
 * the occasion. Speaks the protocol of `peers/pytorch.py`. The teacher's outputs of a distillation are stored once,
 * outside the timing, as they are in a job.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { openDiskStore } from '@distillery/artifacts';
import type { Dataset } from '@distillery/datasets';
import { randomStream, startEngine } from '@distillery/engine';
import { architectures, bind } from '@distillery/models';
import { trainingSchema } from '@distillery/spec';
import type { TeacherRows } from '../packages/training/source/batch-thread.ts';
import { everyIndex } from '../packages/training/source/batches.ts';
import { bindMethod } from '../packages/training/source/method.ts';
import { createNetwork, disposeNetwork } from '../packages/training/source/network.ts';
import { rowFile, rowWriter } from '../packages/training/source/outputs.ts';
import type { RowFile } from '../packages/training/source/row-reader.ts';
import { train } from '../packages/training/source/train.ts';
import type { Request } from './main.ts';

const batchSize = 128;
const folder = mkdtempSync(join(tmpdir(), 'distillery-bench-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

const engine = await startEngine();
const store = await openDiskStore(folder);
let rows: RowFile | undefined;

for await (const line of createInterface(process.stdin)) {
  const request = JSON.parse(line) as Request;
  const milliseconds = await measure(request);
  const version = `TensorFlow.js ${engine.versions.tfjs} on ${engine.backend} ${engine.versions.tensorflow ?? ''}`;
  process.stdout.write(`${JSON.stringify({ milliseconds, version: version.trim() })}\n`);
}

async function measure({ task, steps }: Request): Promise<number[]> {
  const dataset = images(steps * batchSize);
  const classes = dataset.classes.length;
  const forwardOf = (type: string) => bind(architectures.get(type), { type, dropout: 0.1 }, classes);
  const network = createNetwork(forwardOf(task === 'teacher' ? 'deepnn' : 'lightnn'), dataset.shape, 1);
  const choices =
    task === 'distill'
      ? [
          { type: 'soft_target', temperature: 2, weight: 0.25, standardize: false },
          { type: 'cross_entropy', weight: 0.75, labelSmoothing: 0 },
        ]
      : [{ type: 'cross_entropy', weight: 1, labelSmoothing: 0 }];
  const position = everyIndex(dataset.train.count);
  const taps: TeacherRows['taps'] =
    task === 'distill' ? { logits: [await storedLogits(dataset.train.count, classes)] } : {};
  const times: number[] = [];
  let last = performance.now();
  await train({
    network,
    method: bindMethod(choices, network.plan, network.plan),
    dataset,
    indices: { train: position, validation: new Int32Array() },
    training: trainingSchema.parse({ epochs: 1, batchSize }),
    seed: 1,
    views: 1,
    teacher: { position, taps },
    resume: undefined,
    hooks: {
      metrics: () => {},
      progress: () => {},
      checkpoint: async () => {},
      async pause() {
        const now = performance.now();
        times.push(now - last);
        last = now;
      },
    },
  });
  disposeNetwork(network);
  return times;
}

function images(count: number): Dataset {
  const stream = randomStream(0, 'bench');
  const split = {
    images: Uint8Array.from({ length: count * 3072 }, () => stream.uint32() & 255),
    labels: Int32Array.from({ length: count }, () => stream.below(10)),
    count,
  };
  return {
    digest: '',
    classes: Array.from({ length: 10 }, (_, index) => String(index)),
    shape: [32, 32, 3],
    train: split,
    test: split,
    skipped: { count: 0, first: [] },
    normalization: { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] },
  };
}

async function storedLogits(count: number, classes: number): Promise<RowFile> {
  if (rows === undefined) {
    const stream = randomStream(0, 'logits');
    const writer = rowWriter(store, [classes]);
    await writer.write(Float32Array.from({ length: count * classes }, () => stream.normal()));
    rows = await rowFile(store, await writer.close());
  }
  return rows;
}
