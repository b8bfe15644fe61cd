#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { styleText } from 'node:util';
import { newCommand } from './command.ts';
import { audit } from './commands/audit.ts';
import { cancel } from './commands/cancel.ts';
import { deleteJob } from './commands/delete.ts';
import { demo } from './commands/demo.ts';
import { download } from './commands/download.ts';
import { keys } from './commands/keys.ts';
import { pause } from './commands/pause.ts';
import { report } from './commands/report.ts';
import { resume } from './commands/resume.ts';
import { retry } from './commands/retry.ts';
import { run } from './commands/run.ts';
import { scrub } from './commands/scrub.ts';
import { sweep } from './commands/sweep.ts';
import { up } from './commands/up.ts';
import { validate } from './commands/validate.ts';
import { watch } from './commands/watch.ts';
import { exitCodeHelp } from './exit-codes.ts';
import { detailsOf, exitCodeOf, messageOf } from './failure.ts';

/** In the order of the help. */
const commands = [
  demo,
  up,
  validate,
  run,
  watch,
  report,
  download,
  cancel,
  pause,
  resume,
  retry,
  deleteJob,
  keys,
  audit,
  scrub,
  sweep,
];

const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
const { version } = JSON.parse(manifest) as { version: string };

// The reader of a pipe, such as head, may close it early.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

const distill = newCommand('distill')
  .description('Knowledge distillation as a service.')
  .version(version, '-V, --version', 'show the version')
  .helpCommand('help [command]', 'show the help of a command')
  .addHelpText('after', '\nDISTILLERY_URL and DISTILLERY_TOKEN set the API and the key that commands use.')
  .addHelpText('after', `\n${exitCodeHelp()}`);
for (const command of commands) distill.addCommand(command());

try {
  if (process.argv.length <= 2) distill.outputHelp();
  else await distill.parseAsync();
} catch (error) {
  const message = messageOf(error);
  if (message !== '') {
    process.stderr.write(`${styleText('red', 'error')} ${message}\n`);
    for (const line of detailsOf(error)) process.stderr.write(`  ${line}\n`);
  }
  process.exitCode = exitCodeOf(error);
}
