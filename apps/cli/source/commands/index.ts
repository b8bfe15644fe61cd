import type { Command } from 'commander';
import { architectures } from './architectures.ts';
import { audit } from './audit.ts';
import { backup } from './backup.ts';
import { cancel } from './cancel.ts';
import { card } from './card.ts';
import { compare } from './compare.ts';
import { completion } from './completion.ts';
import { datasets } from './datasets.ts';
import { deleteJob } from './delete.ts';
import { demo } from './demo.ts';
import { download } from './download.ts';
import { init } from './init.ts';
import { jobs } from './jobs.ts';
import { keys } from './keys.ts';
import { logs } from './logs.ts';
import { methods } from './methods.ts';
import { metrics } from './metrics.ts';
import { networks } from './networks.ts';
import { pause } from './pause.ts';
import { projects } from './projects.ts';
import { report } from './report.ts';
import { resume } from './resume.ts';
import { retry } from './retry.ts';
import { run } from './run.ts';
import { scrub } from './scrub.ts';
import { show } from './show.ts';
import { sweep } from './sweep.ts';
import { sweeps } from './sweeps.ts';
import { up } from './up.ts';
import { validate } from './validate.ts';
import { verify } from './verify.ts';
import { watch } from './watch.ts';
import { webhooks } from './webhooks.ts';
import { workers } from './workers.ts';

/** Every command, under the headings and in the order of the help. */
export const commands: Record<string, (() => Command)[]> = {
  'Begin:': [demo, up, init, validate, run, sweeps],
  'Follow:': [jobs, show, watch, logs, metrics],
  'Results:': [report, compare, download, card],
  'Control:': [cancel, pause, resume, retry, deleteJob],
  'Catalogue:': [methods, architectures, datasets, networks],
  'Service:': [workers, webhooks, keys, projects, audit, backup, verify, scrub, sweep, completion],
};
