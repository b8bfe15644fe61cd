import { styleText } from 'node:util';
import type { JobView } from '@distillery/spec';
import { stringify } from 'yaml';
import { integer, localTime } from '../format.ts';
import { clientAction, clientCommand } from '../run-command.ts';
import { idleLine, stageTitle, tookOf } from '../stage-words.ts';
import { stateIcon, stateWord } from '../state-words.ts';
import { table } from '../table.ts';

export const show = () =>
  clientCommand('show')
    .summary('show a job and its stages')
    .description(
      'Shows the state of a job, its stages with their workers, its warnings, and what to do next.',
    )
    .argument('<job>', 'the id of the job')
    .option('--json', 'print the job as JSON')
    .option('--spec', 'print the spec of the job as YAML, to change it and run it again')
    .action(
      clientAction(
        async ({ client, print }, id: string, { json, spec }: { json?: boolean; spec?: boolean }) => {
          if (spec) return print(stringify(await client.jobs.spec(id)).trimEnd());
          const job = await client.jobs.get(id);
          print(json ? JSON.stringify(job, undefined, 2) : jobText(job));
        },
      ),
    );

/** A job for people. */
function jobText(job: JobView, now = Date.now()): string {
  const { id, name, state, owner, labels, priority, createdAt, finishedAt, reason, stages } = job;
  const facts: [string, string][] = [
    ['id', id],
    ['state', `${stateWord(state)}, ${Math.round(job.progress)} % done`],
    ['waits', state === 'queued' || state === 'running' ? (idleLine(job) ?? '') : ''],
    ['owner', owner ?? ''],
    [
      'labels',
      Object.entries(labels)
        .map(([key, value]) => `${key}=${value}`)
        .join(', '),
    ],
    ['priority', priority === 0 ? '' : String(priority)],
    ['submitted', localTime(createdAt)],
    ['ended', finishedAt === null ? '' : localTime(finishedAt)],
    ['took', finishedAt === null ? '' : tookOf(job, now)],
  ];
  const rows = stages.map((stage) => [
    `${stateIcon(stage.state)} ${stageTitle(stage)}`,
    stateWord(stage.state),
    stage.attempt === 0 ? '–' : String(stage.attempt),
    tookOf(stage, now) || '–',
    stage.worker ?? '–',
  ]);
  return [
    `  ${styleText('bold', name ?? id)}`,
    '',
    ...facts.filter(([, value]) => value !== '').map(([title, value]) => `  ${title.padEnd(10)} ${value}`),
    '',
    table(
      [
        { title: 'stage' },
        { title: 'state', whole: true },
        { title: 'attempt', align: 'right' },
        { title: 'time', align: 'right' },
        { title: 'worker' },
      ],
      rows,
    ),
    ...(reason === null ? [] : ['', styleText('red', `  ${reason.code}: ${reason.message}`)]),
    ...(job.warnings.length === 0 && job.skippedData.length === 0 ? [] : ['']),
    ...job.warnings.map(({ stage, message, count }) =>
      styleText('yellow', `  ! ${stage}: ${message}${count === 1 ? '' : ` (${count} times)`}`),
    ),
    ...job.skippedData.map(({ stage, count }) =>
      styleText('yellow', `  ! ${stage}: ${integer(count)} samples could not be read and were left out`),
    ),
    ...nextSteps(job),
  ].join('\n');
}

function nextSteps({ id, state }: JobView): string[] {
  const steps: Partial<Record<JobView['state'], string[]>> = {
    queued: [`follow it:            distill watch ${id}`],
    running: [`follow it:            distill watch ${id}`],
    paused: [`go on with it:        distill resume ${id}`],
    failed: [`go on after a remedy: distill retry ${id}`],
    cancelled: [`go on with it:        distill retry ${id}`],
    succeeded: [`compare its students: distill report ${id}`, `take its weights:     distill download ${id}`],
  };
  const lines = steps[state] ?? [];
  return lines.length === 0 ? [] : ['', ...lines.map((line) => styleText('dim', `  ${line}`))];
}
