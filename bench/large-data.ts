/**
 * Trains on a folder of images that is far larger than memory: the time to the first batch, images per second, and the most memory
 * that the trainer takes; the same with a kill on the way, after which the state must be the same bytes; and once more from the
 * decoded images that the first run has kept on the disk.
 *
 *   npm run bench:data -- [--gigabytes 20] [--steps 200] [--folder FOLDER]
 *
 * The folder needs that much space and as much again for decoded images; it is removed at the end unless it is given.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { photograph } from '@distillery/datasets/testing';
import { decodeSafetensors } from '@distillery/formats';
import { openStore } from '@distillery/store';
import { jobSpec, planJob } from '@distillery/training';
import type { FromTrainer, Task } from '@distillery/worker/messages';
import { trainerEnvironment } from '@distillery/worker/trainer-environment';
import { z } from 'zod';

const { values } = parseArgs({
  options: {
    gigabytes: { type: 'string', default: '20' },
    steps: { type: 'string', default: '200' },
    folder: { type: 'string' },
  },
});
const wanted = { bytes: Number(values.gigabytes) * 1e9, steps: Number(values.steps) };
const [batchSize, classes, filesOfFolder] = [128, 10, 1000];

/** So small that decoding takes most of the time. */
const layers = [
  { layer: 'conv2d', filters: 16, kernel_size: 8, strides: 8, activation: 'relu' },
  { layer: 'conv2d', filters: 32, kernel_size: 3, strides: 2, activation: 'relu' },
  { layer: 'global_average_pooling2d' },
];
const smallNetwork = { type: 'layers', classifier: true, layers };

const folder = values.folder ?? (await mkdtemp(join(tmpdir(), 'distillery-large-')));
const images = join(folder, 'images');
try {
  const written = await writeSet();
  console.log(`${written.files} JPEG files of 640×480, ${(written.bytes / 1e9).toFixed(1)} GB`);
  const whole = await measured('decoding', 'data', [wanted.steps]);
  const cut = await measured('killed at half', 'data-cut', [Math.floor(wanted.steps / 2), wanted.steps]);
  const again = await measured('from decoded images on the disk', 'data', [wanted.steps]);
  console.log(
    `the state after ${wanted.steps} steps: ${whole === cut && whole === again ? 'the same bytes' : 'DIFFERENT BYTES'}`,
  );
} finally {
  if (values.folder === undefined) await rm(folder, { recursive: true, force: true });
}

/** Writes the set, unless the folder has it: noise over colours, because plain images would be small files. */
async function writeSet(): Promise<{ files: number; bytes: number }> {
  const patterns = await Promise.all(Array.from({ length: 64 }, (_, i) => photograph(i)));
  const mean = patterns.reduce((sum, { length }) => sum + length, 0) / patterns.length;
  const files = Math.round(wanted.bytes / mean);
  const known = (await readdir(images).catch(() => [])).length > 0;
  for (let first = 0; !known && first < files; first += filesOfFolder) {
    const place = join(images, `class${(first / filesOfFolder) % classes}`, `part${first}`);
    await mkdir(place, { recursive: true });
    for (let i = first; i < Math.min(files, first + filesOfFolder); i++)
      await writeFile(join(place, `${i}.jpg`), patterns[i % patterns.length]);
  }
  return { files, bytes: files * mean };
}

/** Runs a teacher's stage up to some steps, killed after each, and returns the digest of the last state. */
async function measured(name: string, data: string, stops: number[]): Promise<string> {
  const spec = jobSpec.parse({
    dataset: { source: 'image_folder', path: 'images', size: [224, 224], fit: 'crop', decoding: 'on_read' },
    teacher: { architecture: smallNetwork },
    students: [
      {
        name: 'student',
        architecture: smallNetwork,
        method: [{ type: 'soft_target' }],
      },
    ],
    training: { epochs: 50, batchSize, optimizer: { type: 'adam' }, augmentation: { type: 'flip' } },
    checkpoints: { everySeconds: 86_400, everySteps: 50, keep: 100 },
  });
  const storeDir = join(folder, `store-${randomBytes(4).toString('hex')}`);
  const places = { cacheDir: join(folder, data), roots: [folder] };
  const { resolved: plan } = await planJob(spec, places);
  const { id: stage } = plan.stages.find(({ kind }) => kind === 'teacher') ?? { id: '' };
  const records = plan.stages.map(({ id }) => ({
    id,
    worker: 'w',
    attempt: 1,
    startedAt: null,
    finishedAt: null,
  }));
  const task: Task = {
    job: { id: 'job_large', name: null, spec },
    plan,
    stage,
    attempt: 1,
    results: {},
    records,
    warnings: [],
    skippedData: [],
    storeDir,
    dataDir: places.cacheDir,
    roots: places.roots,
  };
  let seen = 0;
  for (const stop of stops) {
    const { firstStep, seconds, peakMiB } = await runUntil(task, stop);
    const perSecond = ((stop - seen) * batchSize) / (seconds - firstStep);
    console.log(
      `${name}, to step ${stop}: first batch after ${firstStep.toFixed(1)} s, ${perSecond.toFixed(0)} images/s, peak memory ${peakMiB} MiB`,
    );
    task.attempt++;
    seen = stop;
  }
  const state = await stateAt(storeDir, stage, stops.at(-1) as number);
  await rm(storeDir, { recursive: true });
  return state;
}

async function runUntil(task: Task, step: number) {
  const trainer = fork(fileURLToPath(import.meta.resolve('@distillery/worker/trainer')), [], {
    execArgv: process.execArgv,
    env: { ...trainerEnvironment, ...process.env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const begun = performance.now();
  const since = () => (performance.now() - begun) / 1000;
  let [firstStep, seconds, peakMiB] = [0, 0, 0];
  const watch = setInterval(
    () => void peakOf(trainer).then((peak) => (peakMiB = Math.max(peakMiB, peak))),
    500,
  );
  trainer.on('message', (message: FromTrainer) => {
    // The first row of metrics is that of the first batch, before its step.
    if (message.type === 'metrics' && firstStep === 0) firstStep = since();
    if (message.type === 'failed') console.error(message.message);
    if (message.type !== 'checkpoint' || message.saved.step < step) return;
    seconds = since();
    trainer.kill('SIGKILL');
  });
  trainer.send({ type: 'run', task });
  await once(trainer, 'exit');
  clearInterval(watch);
  return { firstStep, seconds, peakMiB };
}

/** The most resident memory of a process so far, as Linux counts it. */
async function peakOf({ pid }: ChildProcess): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
}

/** The digest of what the rest of the run depends on at the first checkpoint from a step on, but for the seconds that it has taken. */
async function stateAt(storeDir: string, stage: string, step: number): Promise<string> {
  const store = await openStore(storeDir);
  const schema = z.looseObject({
    blob: z.string().optional(),
    facts: z.unknown().optional(),
    cursor: z.object({ step: z.number() }).optional(),
  });
  for (const name of await store.list(`jobs/job_large/${stage}/checkpoints`)) {
    const found = await store.manifest(name, schema);
    const at = found?.cursor?.step ?? 0;
    if (at < step || found?.blob === undefined) continue;
    // The blob also tells the attempt.
    const { tensors } = decodeSafetensors(await store.read(found.blob));
    const hash = createHash('sha256').update(JSON.stringify([at, found.facts]));
    for (const [tensor, { data }] of tensors) {
      hash.update(tensor);
      hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    }
    return hash.digest('hex');
  }
  throw new Error(`there is no checkpoint from step ${step} on`);
}
