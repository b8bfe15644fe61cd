import { styleText } from 'node:util';
import { newCommand, withSettings } from '../command.ts';
import { serviceAction } from '../run-command.ts';

export const up = () =>
  withSettings(newCommand('up'), 'up')
    .summary('run the service on this machine')
    .description('Runs API, workers and, unless REDIS_URL is set, a Redis server until Ctrl-C.')
    .action(
      serviceAction('up', async ({ configuration, out, signal }) => {
        // Loaded late: the other commands start without the service.
        const { startStack } = await import('../stack.ts');
        const stack = await startStack({ ...configuration, keepJobs: true });
        out.write(
          `  ${styleText('bold', 'Distillery')} runs at ${stack.url} (dashboard and API), Ctrl-C stops it\n`,
        );
        out.write(styleText('dim', `  engine: ${stack.engine.backend}; files in ${configuration.folder}\n`));
        if (!signal.aborted) {
          await new Promise<void>((stop) => signal.addEventListener('abort', () => stop(), { once: true }));
        }
        await stack.close();
      }),
    );
