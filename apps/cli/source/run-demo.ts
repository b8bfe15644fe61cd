import { randomUUID } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { styleText } from 'node:util';
import { createClient } from '@distillery/client';
import { cifar10Reachable } from '@distillery/datasets';
import { demoData, demoJob } from './demo-job.ts';
import { downloadJob } from './download-job.ts';
import { bytes, duration } from './format.ts';
import { reportTable } from './report-table.ts';
import type { ServiceContext } from './run-command.ts';
import { startStack } from './stack.ts';
import { watchJob } from './watch-job.ts';

export interface DemoOptions extends ServiceContext<'demo'> {
  /** The archive or folder of images to train on; default: CIFAR-10 where it can be downloaded, generated shapes otherwise. */
  data?: string;
  /** Epochs of the teacher. */
  epochs: number;
}

/** Starts the service on this machine, runs one job over HTTP, and shows its report and the paths of its weight files. */
export async function runDemo({ data, epochs, configuration, out, signal }: DemoOptions): Promise<void> {
  const { folder } = configuration;
  const startedAt = Date.now();
  const print = (text = '') => out.write(`${text}\n`);
  const cacheDir = join(folder, 'data');
  const chosen = await demoData(data, () => cifar10Reachable({ cacheDir, roots: [] }));
  const { root, words } = chosen;
  print(`\n  ${styleText('bold', 'Distillery')} trains a teacher, then students that learn from it.`);
  print(styleText('dim', `  data: ${words}`));
  const stack = await startStack({
    ...configuration,
    // Its Redis is a new one each time: it must not touch the store of a service in the same folder.
    store: join(folder, 'demo-store'),
    dataDir: cacheDir,
    roots: root === undefined ? [] : [root],
    workers: 1,
    trainers: Math.min(2, availableParallelism()),
    keepJobs: false,
  });
  const stop = () => void stack.close();
  signal.addEventListener('abort', stop, { once: true });
  try {
    const engine = stack.engine;
    const speed = engine.gigaflops === null ? '' : `, ${engine.gigaflops.toFixed(0)} GFLOP/s`;
    print(styleText('dim', `  engine: ${engine.backend}, ${engine.threads} threads${speed}`));
    const client = createClient(stack.url);
    const job = await client.jobs.create(demoJob(chosen, epochs), { idempotencyKey: randomUUID() });
    print(styleText('dim', `  POST ${stack.url}/v1/jobs → ${job.id}\n`));
    await watchJob({ client, out, signal }, job.id);
    const report = await client.jobs.report(job.id);
    print(`\n${reportTable(report)}`);
    const files = await downloadJob(client, job.id, join(folder, job.id), report);
    print('  weights (safetensors, load with PyTorch):');
    for (const file of files) print(`    ${relative(process.cwd(), file)}`);
    const [teacher, student] = [report.teachers[0], report.students[0].runs[0]];
    const ratio = teacher.parameters / student.parameters;
    print(
      styleText(
        'dim',
        `\n  ${bytes(teacher.best.weights.size)} → ${bytes(student.best.weights.size)}, ${ratio.toFixed(1)} times ` +
          `fewer parameters; ${duration((Date.now() - startedAt) / 1000)} in all`,
      ),
    );
  } finally {
    signal.removeEventListener('abort', stop);
    await stack.close();
  }
}
