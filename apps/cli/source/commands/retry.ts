import { controlCommand } from '../control-command.ts';

export const retry = () =>
  controlCommand('retry', {
    summary: 'go on with a failed or cancelled job',
    description: 'Goes on with a job that failed or was cancelled, from its last checkpoints.',
  });
