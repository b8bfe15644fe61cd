import type { WorkersView } from '@distillery/spec';
import { ago, bytes } from '../format.ts';
import { clientAction, clientCommand } from '../run-command.ts';
import { table } from '../table.ts';

export const workers = () =>
  clientCommand('workers')
    .summary('show the running workers')
    .description('Lists the running workers with their engines and what they run, and tells what waits.')
    .option('--json', 'print them as JSON')
    .action(
      clientAction(async ({ client, print }, { json }: { json?: boolean }) => {
        const found = await client.workers();
        print(json ? JSON.stringify(found, undefined, 2) : workersText(found));
      }),
    );

/** Workers, one a row, then the stages that run and how much waits. */
function workersText({ workers: found, queue }: WorkersView, now = Date.now()): string {
  const { ready, running, jobs } = queue;
  const waiting = `  ${stages(running, 'runs', 'run')}, ${stages(ready, 'waits', 'wait')}; jobs: ${jobs.running} running, ${jobs.queued} queued`;
  if (found.length === 0)
    return `  No worker is running; "distill up" runs one beside the API.\n\n${waiting}`;
  const list = table(
    [
      { title: 'worker', whole: true },
      { title: 'engine' },
      { title: 'threads', align: 'right' },
      { title: 'GFLOP/s', align: 'right' },
      { title: 'memory', align: 'right' },
      { title: 'busy', align: 'right' },
      { title: 'since' },
    ],
    found.map(({ id, engine, memoryBytes, trainers, stages: own, startedAt }) => [
      id,
      engine.backend,
      String(engine.threads),
      engine.gigaflops === null ? '–' : engine.gigaflops.toFixed(0),
      memoryBytes === null ? '–' : bytes(memoryBytes),
      `${own.length} of ${trainers}`,
      ago(startedAt, now),
    ]),
  );
  const busy = found.flatMap(({ id, stages: own }) =>
    own.map(({ job, jobName, stage, progress }) => [
      id,
      stage,
      jobName === null ? job : `${job} ${jobName}`,
      progress === null ? '–' : `${Math.floor(100 * progress.fraction)} %`,
    ]),
  );
  const runs = table(
    [
      { title: 'worker', whole: true },
      { title: 'runs', whole: true },
      { title: 'of job' },
      { title: 'done', align: 'right' },
    ],
    busy,
  );
  return [list, '', ...(busy.length === 0 ? [] : [runs, '']), waiting].join('\n');
}

function stages(count: number, one: string, several: string): string {
  return count === 1 ? `1 stage ${one}` : `${count} stages ${several}`;
}
