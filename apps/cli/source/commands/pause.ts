import { controlCommand } from '../control-command.ts';

export const pause = () =>
  controlCommand('pause', {
    summary: 'pause a job',
    description:
      'Pauses a job after its trainers have written checkpoints, from which "distill resume" goes on.',
  });
