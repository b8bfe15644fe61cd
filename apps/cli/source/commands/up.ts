import { styleText } from 'node:util';
import type { Configuration } from '@distillery/spec/configuration';
import { startStack } from '../stack.ts';

/** Runs the service on this machine until it is stopped. */
export async function up(
  configuration: Configuration<'up'>,
  { out, signal }: { out: NodeJS.WriteStream; signal: AbortSignal },
): Promise<void> {
  const stack = await startStack({ ...configuration, keepJobs: true });
  out.write(`  ${styleText('bold', 'Distillery')} listens on ${stack.url}, Ctrl-C stops it\n`);
  out.write(styleText('dim', `  engine: ${stack.engine.backend}; files in ${configuration.folder}\n`));
  if (!signal.aborted) {
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  }
  await stack.close();
}
