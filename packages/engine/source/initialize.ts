import { type ParameterSpec, sizeOf } from './network.ts';
import { randomStream } from './random.ts';

/**
 * Computes the initial values of a network's parameters. They depend only on the seed and on the parameter's name,
 * shape and initializer, so two networks of one architecture and seed start with the same bits.
 *
 * @returns the values by the parameter's name, in row-major order
 */
export function initialValues(
  parameters: readonly ParameterSpec[],
  seed: number,
): Record<string, Float32Array> {
  return Object.fromEntries(parameters.map((parameter) => [parameter.name, values(parameter, seed)]));
}

function values({ name, shape, initializer }: ParameterSpec, seed: number): Float32Array {
  const data = new Float32Array(sizeOf(shape));
  if (initializer.type === 'constant') return data.fill(initializer.value);
  const stream = randomStream(seed, 'init', name);
  const draw =
    initializer.type === 'normal'
      ? () => stream.normal() * initializer.deviation
      : () => (2 * stream.uniform() - 1) * initializer.bound;
  for (let i = 0; i < data.length; i++) data[i] = draw();
  return data;
}
