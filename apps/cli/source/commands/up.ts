import { styleText } from 'node:util';
import { startStack } from '../stack.ts';

export interface UpOptions {
  port: number;
  workers: number;
  trainers: number;
  folder: string;
  roots: string[];
  out: NodeJS.WriteStream;
  signal: AbortSignal;
}

/** The service on this machine until it is stopped. */
export async function up({ out, signal, ...options }: UpOptions): Promise<void> {
  const stack = await startStack({ ...options, keepJobs: true });
  out.write(`  ${styleText('bold', 'Distillery')} listens on ${stack.url}, Ctrl-C stops it\n`);
  out.write(styleText('dim', `  engine: ${stack.engine.backend}; files in ${options.folder}\n`));
  if (!signal.aborted) {
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  }
  await stack.close();
}
