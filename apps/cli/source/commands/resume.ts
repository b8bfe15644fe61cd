import { controlCommand } from '../control-command.ts';

export const resume = () =>
  controlCommand('resume', {
    summary: 'go on with a paused job',
    description: 'Goes on with a paused job, from its last checkpoints.',
  });
