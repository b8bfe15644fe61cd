import { wholeNumber } from '@distillery/spec/configuration';
import { newCommand, option, withSettings } from '../command.ts';
import { serviceAction } from '../run-command.ts';

export const demo = () =>
  withSettings(newCommand('demo'), 'demo')
    .summary('run a whole job on this machine, in minutes')
    .description('Starts the service on this machine, trains a teacher and its students, and stops it again.')
    .option('--data <path>', 'the CIFAR-10 binary archive, or a folder or archive of images')
    .addOption(option('--epochs <n>', "the teacher's epochs", wholeNumber(1)).default(4))
    .action(
      serviceAction('demo', async (context, options: { data?: string; epochs: number }) => {
        // Loaded late: the other commands start without the service.
        const { runDemo } = await import('../run-demo.ts');
        await runDemo({ ...context, ...options });
      }),
    );
