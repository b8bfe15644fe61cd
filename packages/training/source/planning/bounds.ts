import type { FieldError } from '@distillery/spec';

/** The limits of one job. A job beyond them is refused before it is queued. */
export interface Bounds {
  /** The parameters of one network. */
  parameters: number;
  /** The estimated memory of one trainer, in bytes. */
  memoryBytes: number;
  /** The bytes of a job's stored teacher outputs. */
  outputsBytes: number;
  /** The estimated floating-point operations of the whole job. */
  work: number;
}

/** The memory and disk of a large machine, and about a year of a large GPU. */
export const defaultBounds: Bounds = {
  parameters: 1e9,
  memoryBytes: 256 * 2 ** 30,
  outputsBytes: 2 ** 40,
  work: 1e21,
};

interface Demand extends Omit<Bounds, 'parameters'> {
  /** The size of each network, with a JSON pointer to its architecture. */
  networks: readonly { path: string; parameters: number }[];
}

/** Returns an entry for each bound that a job exceeds. */
export function beyond(demand: Demand, bounds: Bounds): FieldError[] {
  const refuse = (
    path: string,
    subject: string,
    unit: string,
    value: number,
    maximum: number,
  ): FieldError[] =>
    // Written so that NaN fails too.
    value <= maximum
      ? []
      : [
          {
            path,
            message: `${subject} ${amount(value)} ${unit}, more than the limit of ${amount(maximum)}`,
            value,
            allowed: { maximum },
          },
        ];
  return [
    ...demand.networks.flatMap(({ path, parameters }) =>
      refuse(path, 'the network has', 'parameters', parameters, bounds.parameters),
    ),
    ...refuse(
      '/training/batchSize',
      'the largest trainer would need',
      'bytes of memory',
      demand.memoryBytes,
      bounds.memoryBytes,
    ),
    ...refuse(
      '/students',
      'the stored teacher outputs would need',
      'bytes',
      demand.outputsBytes,
      bounds.outputsBytes,
    ),
    ...refuse(
      '/training/epochs',
      'the job would need',
      'floating-point operations',
      demand.work,
      bounds.work,
    ),
  ];
}

function amount(value: number): string {
  return value < 1e6 ? String(value) : value.toExponential(1).replace('e+', 'e');
}
