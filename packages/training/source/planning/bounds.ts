import type { FieldError } from '@distillery/spec';

/** What one job may ask for; more is refused before it is queued. */
export interface Bounds {
  /** Of one network. */
  parameters: number;
  /** Of one trainer, as estimated. */
  memoryBytes: number;
  /** Of a job's stored teacher outputs. */
  outputsBytes: number;
  /** Of the whole job, floating-point operations as estimated. */
  work: number;
}

/** A large machine's memory and disk, and a year of a large GPU. */
export const defaultBounds: Bounds = {
  parameters: 1e9,
  memoryBytes: 256 * 2 ** 30,
  outputsBytes: 2 ** 40,
  work: 1e21,
};

interface Asked extends Omit<Bounds, 'parameters'> {
  /** With a JSON pointer to each network's architecture. */
  networks: readonly { path: string; parameters: number }[];
}

/** An entry for each bound that a job goes past. */
export function beyond(asked: Asked, bounds: Bounds): FieldError[] {
  const refuse = (path: string, what: string, value: number, maximum: number): FieldError[] =>
    // Written so that NaN fails too.
    value <= maximum
      ? []
      : [
          {
            path,
            message: `${what} ${amount(value)}, more than ${amount(maximum)}`,
            value,
            allowed: { maximum },
          },
        ];
  return [
    ...asked.networks.flatMap(({ path, parameters }) =>
      refuse(path, 'the network has parameters in the number of', parameters, bounds.parameters),
    ),
    ...refuse(
      '/training/batchSize',
      'its largest trainer would take bytes of memory:',
      asked.memoryBytes,
      bounds.memoryBytes,
    ),
    ...refuse(
      '/students',
      "the teachers' stored outputs would take bytes:",
      asked.outputsBytes,
      bounds.outputsBytes,
    ),
    ...refuse('/training/epochs', 'the job would take floating-point operations:', asked.work, bounds.work),
  ];
}

function amount(value: number): string {
  return value < 1e6 ? String(value) : value.toExponential(1).replace('e+', 'e');
}
