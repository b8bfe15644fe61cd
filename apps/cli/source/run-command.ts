import { type Client, createClient } from '@distillery/client';
import { type Configuration, misspeltVariables, readConfiguration } from '@distillery/spec/configuration';
import type { Command } from 'commander';
import { newCommand, settingsFlags, withSettings } from './command.ts';
import { exitCodes } from './exit-codes.ts';

const signals = ['SIGINT', 'SIGTERM'] as const;
const interrupted = exitCodes.interrupted.code;
/** Of an API that starts or restarts; people at a terminal wait for no more. */
const retries = 2;

/** The context of a command that calls the API. */
export interface ClientContext {
  client: Client;
  out: NodeJS.WriteStream;
  print(text: string): void;
  /** Sets what runs before Ctrl-C ends the program; it returns a hint for the user, or ''. */
  onInterrupt(tidy: () => string): void;
}

/** Creates a command that calls the API. It has --url, and ends at the first Ctrl-C or SIGTERM. */
export function clientCommand(name: string): Command {
  return withSettings(newCommand(name), 'cli');
}

/** Creates the action of a client command; `work` gets the context, the arguments and the options. */
export function clientAction<A extends unknown[]>(
  work: (context: ClientContext, ...args: A) => Promise<void>,
) {
  return async (...all: unknown[]): Promise<void> => {
    const command = all.at(-1) as Command;
    const { url, token } = readConfiguration('cli', process.env, settingsFlags(command, 'cli'));
    let tidy = () => '';
    for (const signal of signals) {
      process.once(signal, () => {
        const hint = tidy();
        if (hint !== '') process.stderr.write(`${hint}\n`);
        process.exit(interrupted);
      });
    }
    const context: ClientContext = {
      client: createClient(url, { token, retries }),
      out: process.stdout,
      print: (text) => void process.stdout.write(`${text}\n`),
      onInterrupt: (next) => {
        tidy = next;
      },
    };
    await work(context, ...(all.slice(0, -1) as A));
  };
}

/** The context of a command that runs the service. */
export interface ServiceContext<P extends 'up' | 'demo'> {
  configuration: Configuration<P>;
  out: NodeJS.WriteStream;
  /** Aborts at the first Ctrl-C or SIGTERM; the second one ends the program at once. */
  signal: AbortSignal;
}

/** Creates the action of a command that runs the service in this process, with the settings of `program`. */
export function serviceAction<P extends 'up' | 'demo', A extends unknown[]>(
  program: P,
  work: (context: ServiceContext<P>, ...args: A) => Promise<void>,
) {
  return async (...all: unknown[]): Promise<void> => {
    const command = all.at(-1) as Command;
    for (const warning of misspeltVariables(process.env)) process.stderr.write(`warning: ${warning}\n`);
    const configuration = readConfiguration(program, process.env, settingsFlags(command, program));
    const stopping = new AbortController();
    for (const signal of signals) process.once(signal, () => stopping.abort());
    try {
      await work({ configuration, out: process.stdout, signal: stopping.signal }, ...(all.slice(0, -1) as A));
    } catch (error) {
      if (!stopping.signal.aborted) throw error;
      process.exitCode = interrupted;
    }
  };
}
