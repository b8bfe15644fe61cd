import { styleText } from 'node:util';
import { logLevels, type RecordedLine } from '@distillery/spec';
import { oneOf, wholeNumber } from '@distillery/spec/configuration';
import { option } from '../command.ts';
import { clientAction, clientCommand } from '../run-command.ts';

interface LogsOptions {
  stage?: string;
  level?: (typeof logLevels)[number];
  tail: number;
  follow?: boolean;
  json?: boolean;
}

export const logs = () =>
  clientCommand('logs')
    .summary('show what the trainers of a job have logged')
    .description(
      'Prints the newest lines of the trainers and supervisors of a job, and with --follow those to come.',
    )
    .argument('<job>', 'the id of the job')
    .option('--stage <id>', 'lines of one stage, for example student.soft.1')
    .addOption(option('--level <level>', `the least level: ${logLevels.join(', ')}`, oneOf(logLevels)))
    .addOption(option('--tail <n>', 'the newest lines, at most so many', wholeNumber(1)).default(200))
    .option('--follow', 'print new lines until the job has ended')
    .option('--json', 'print each line as JSON')
    .action(
      clientAction(async ({ client, print }, id: string, { follow, json, ...query }: LogsOptions) => {
        const write = (line: RecordedLine) => print(json ? JSON.stringify(line) : lineText(line));
        const lines = follow ? client.jobs.followLogs(id, query) : client.jobs.logs(id, query);
        for await (const line of lines) write(line);
      }),
    );

const styles = { info: 'reset', warn: 'yellow', error: 'red' } as const;

/** `12:00:30  teacher  loaded the data` */
function lineText({ time, stage, level, message }: RecordedLine): string {
  const at = new Date(time).toLocaleTimeString('sv-SE');
  return `${styleText('dim', at)}  ${styleText('dim', stage)}  ${styleText(styles[level], message)}`;
}
