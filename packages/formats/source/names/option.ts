import { z } from 'zod';
import type { Weights } from '../format.ts';
import { namings } from './index.ts';
import { named } from './rename.ts';

/** The option of the formats that PyTorch loads. */
export const namesOption = z
  .enum(['pytorch', ...namings.map(({ type }) => type)])
  .default('pytorch')
  .describe(
    `Whose names the parameters have: \`pytorch\` are those of RepDistiller, mdistiller and timm. ${namings
      .map(({ type, architectures }) => `${type} has names for ${Object.keys(architectures).join(', ')}.`)
      .join(' ')}`,
  );

/** Returns the parameters under the chosen names. @throws RangeError where the library has no names for the network */
export function withNames({ parameters, metadata }: Weights, names: string): Weights['parameters'] {
  if (names === 'pytorch') return parameters;
  const { type } = JSON.parse(metadata.architecture ?? '{}') as { type?: unknown };
  return named(names, String(type), parameters);
}
