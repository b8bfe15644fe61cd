import { z } from 'zod';
import { bundledForTorch } from '../bundle/bundled-for-torch.ts';
import type { Format, Weights } from '../format.ts';
import { namesOption, withNames } from '../names/option.ts';
import { halved, precisionOption } from '../halved.ts';
import { decodeSafetensors, encodeSafetensors } from '../safetensors/codec.ts';

const options = z.strictObject({ precision: precisionOption, names: namesOption });

/** Loads with `model.load_state_dict(safetensors.torch.load_file(path))`. */
export const safetensors = {
  type: 'safetensors',
  bundled: bundledForTorch('safetensors'),
  summary: "Hugging Face's format of named tensors, which PyTorch loads as a state dict",
  reference: 'https://huggingface.co/docs/safetensors',
  options,
  // It has no media type of its own.
  mediaType: 'application/octet-stream',
  extension: 'safetensors',
  encode(weights: Weights, chosen: Partial<z.output<typeof options>> = {}): Uint8Array {
    const { precision = 'float32', names = 'pytorch' } = chosen;
    return encodeSafetensors(
      withNames(weights, names).map((tensor) => halved(tensor, precision)),
      weights.metadata,
    );
  },
  decode(bytes: Uint8Array): Weights {
    const { tensors, metadata } = decodeSafetensors(bytes);
    return { parameters: [...tensors].map(([name, tensor]) => ({ name, ...tensor })), metadata };
  },
} satisfies Format<typeof options>;
