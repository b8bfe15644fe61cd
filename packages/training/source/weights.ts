import { permute, safetensors } from '@distillery/formats';
import type { Store } from '@distillery/store';
import { interchangeShape, type ParameterSpec } from '@distillery/engine';
import { DistilleryError } from '@distillery/spec';
import type { Values } from './network.ts';

/**
 * Encodes a network's weights as the file that the store keeps: safetensors in PyTorch's layout and under PyTorch's
 * names, so that `model.load_state_dict(safetensors.torch.load_file(path))` accepts it. Downloads in other formats are
 * encoded from it.
 */
export function encodeWeights(
  parameters: readonly ParameterSpec[],
  values: Values,
  metadata: Record<string, string> = {},
): Uint8Array {
  return safetensors.encode({
    parameters: parameters.map(({ name, shape, interchange }) => ({
      name,
      dtype: 'F32' as const,
      ...permute(values[name], shape, interchange),
    })),
    metadata: { format: 'pt', ...metadata },
  });
}

/**
 * Loads and verifies weights that `encodeWeights` wrote.
 *
 * @throws DistilleryError `artifact_corrupt` when the blob is damaged, or a parameter is missing or has another shape
 */
export async function loadWeights(
  store: Store,
  digest: string,
  parameters: readonly ParameterSpec[],
): Promise<Values> {
  const stored = safetensors.decode(await store.read(digest)).parameters;
  const tensors = new Map(stored.map((tensor) => [tensor.name, tensor]));
  return Object.fromEntries(
    parameters.map((parameter) => {
      const { name, shape, interchange } = parameter;
      const tensor = tensors.get(name);
      const expected = interchangeShape(parameter);
      if (tensor === undefined || `${tensor.shape}` !== `${expected}`) {
        const found = tensor === undefined ? 'is missing' : `has shape [${tensor.shape}]`;
        throw new DistilleryError(
          'artifact_corrupt',
          `weights ${digest}: ${name} ${found}, expected [${expected}]`,
        );
      }
      const back = shape.map((_, axis) => interchange.indexOf(axis));
      return [name, permute(tensor.data as Float32Array, tensor.shape, back).data];
    }),
  );
}
