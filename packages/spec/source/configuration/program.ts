import { DistilleryError } from '../errors.ts';
import { ConfigurationError } from './configuration-error.ts';
import { readFlags } from './flags.ts';
import { misspeltVariables } from './misspelt-variables.ts';
import { type Configuration, readConfiguration } from './read.ts';
import type { Program } from './setting.ts';

/**
 * The configuration of this process, from its environment and its command line. Prints a line on stderr for each
 * variable that looks misspelt. A setting that cannot be used ends the process with one line on stderr and exit code 2.
 */
export function loadConfiguration<P extends Program>(program: P): Configuration<P> {
  for (const warning of misspeltVariables(process.env)) process.stderr.write(`warning: ${warning}\n`);
  try {
    return readConfiguration(program, process.env, readFlags(program, process.argv.slice(2)));
  } catch (error) {
    return endWith(program, error);
  }
}

/** Ends a process that cannot start, with one line on stderr that says why. */
export function endWith(program: Program, error: unknown): never {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${program}: ${message.split('\n')[0]}\n`);
  // Some values are checked only by what uses them: the parts of REDIS_URL, the scheme of STORE.
  const unusable =
    error instanceof ConfigurationError ||
    error instanceof RangeError ||
    (error instanceof DistilleryError && error.code === 'malformed_request');
  process.exit(unusable ? 2 : 1);
}
