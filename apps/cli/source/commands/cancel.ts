import { controlCommand } from '../control-command.ts';

export const cancel = () =>
  controlCommand('cancel', {
    summary: 'stop a job',
    description:
      'Stops a job after its trainers have written checkpoints, from which "distill retry" goes on.',
  });
