import { randomUUID } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { styleText } from 'node:util';
import { createClient } from '@distillery/client';
import { cifar10Reachable } from '@distillery/datasets';
import type { Configuration } from '@distillery/spec/configuration';
import { demoData, demoJob } from '../demo-job.ts';
import { bytes, duration } from '../format.ts';
import { reportTable } from '../report-table.ts';
import { startStack } from '../stack.ts';
import { download } from './download.ts';
import { watch } from './watch.ts';

export interface DemoOptions {
  data: string | undefined;
  epochs: number;
  configuration: Configuration<'demo'>;
  out: NodeJS.WriteStream;
  signal: AbortSignal;
}

/** The whole road on this machine: Redis, API and worker; one job over HTTP; the report; the weights. */
export async function demo({ data, epochs, configuration, out, signal }: DemoOptions): Promise<void> {
  const { folder } = configuration;
  const begun = Date.now();
  const say = (text = '') => out.write(`${text}\n`);
  const cacheDir = join(folder, 'data');
  const { dataset, root, says } = await demoData(data, () => cifar10Reachable({ cacheDir, roots: [] }));
  say(`\n  ${styleText('bold', 'Distillery')} trains a teacher, then students that learn from it.`);
  say(styleText('dim', `  data: ${says}`));
  const stack = await startStack({
    ...configuration,
    store: join(folder, 'store'),
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
    say(styleText('dim', `  engine: ${engine.backend}, ${engine.threads} threads${speed}`));
    const client = createClient(stack.url);
    const job = await client.submit(demoJob(dataset, epochs), { idempotencyKey: randomUUID() });
    say(styleText('dim', `  POST ${stack.url}/v1/jobs → ${job.id}\n`));
    await watch(client, job.id, out);
    const report = await client.report(job.id);
    say(`\n${reportTable(report)}`);
    say(
      styleText(
        'dim',
        '  A few hundred steps are too few to judge a method: this shows the road, not its end.\n',
      ),
    );
    const files = await download(client, job.id, join(folder, job.id), report);
    say('  weights (safetensors, load with PyTorch):');
    for (const file of files) say(`    ${relative(process.cwd(), file)}`);
    const [teacher, student] = [report.teachers[0], report.students[0].runs[0]];
    const ratio = teacher.parameters / student.parameters;
    say(
      styleText(
        'dim',
        `\n  ${bytes(teacher.best.weights.size)} → ${bytes(student.best.weights.size)}, ${ratio.toFixed(1)} times ` +
          `fewer parameters; ${duration((Date.now() - begun) / 1000)} in all`,
      ),
    );
  } finally {
    signal.removeEventListener('abort', stop);
    await stack.close();
  }
}
