import type { SweepReport } from '@distillery/spec';
import { wholeNumber } from '@distillery/spec/configuration';
import { option } from '../command.ts';
import { bytes, integer } from '../format.ts';
import { clientAction, clientCommand } from '../run-command.ts';

export const sweep = () =>
  clientCommand('sweep')
    .summary('count or remove orphaned files of the store')
    .description(
      'Counts the files in the store that no job uses, or removes them. It needs a key of scope admin.',
    )
    .option('--remove', 'remove the files', false)
    .option('--force', 'remove them although another service used the store, or they are most of it', false)
    .addOption(option('--hours <n>', 'the least age of the files, in hours', wholeNumber(1)).default(24))
    .action(
      clientAction(async ({ client, print }, { remove, force, hours }: SweepFlags) => {
        print(sweepLines(await client.store.sweep({ remove, force, olderThanSeconds: 3600 * hours })));
      }),
    );

interface SweepFlags {
  remove: boolean;
  force: boolean;
  hours: number;
}

/** What a sweep found, as a line. */
export function sweepLines({ removed, blobs, bytes: size, checkpoints, shared }: SweepReport): string {
  if (blobs + checkpoints + shared === 0) return '  No orphaned files.';
  const found = [
    ...(blobs === 0 ? [] : [`${counted(blobs, 'file')} (${bytes(size)}) without a job`]),
    ...(checkpoints === 0 ? [] : [`${counted(checkpoints, 'checkpoint')} of jobs that are deleted`]),
    ...(shared === 0 ? [] : [`${counted(shared, 'shared result')} that no job uses`]),
  ].join(', ');
  return removed ? `  Removed: ${found}.` : `  ${found}. To remove them: distill sweep --remove`;
}

function counted(count: number, what: string): string {
  return `${integer(count)} ${what}${count === 1 ? '' : 's'}`;
}
