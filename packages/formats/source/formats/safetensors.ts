import { z } from 'zod';
import type { Format, Weights } from '../format.ts';
import { decodeSafetensors, encodeSafetensors } from '../safetensors/codec.ts';

/** Loads with `model.load_state_dict(safetensors.torch.load_file(path))`. */
export const safetensors = {
  type: 'safetensors',
  summary: "Hugging Face's format of named tensors, which PyTorch loads as a state dict",
  reference: 'https://huggingface.co/docs/safetensors',
  options: z.strictObject({}),
  // It has no media type of its own.
  mediaType: 'application/octet-stream',
  extension: 'safetensors',
  encode: ({ parameters, metadata }: Weights) => encodeSafetensors(parameters, metadata),
  decode(bytes: Uint8Array): Weights {
    const { tensors, metadata } = decodeSafetensors(bytes);
    return { parameters: [...tensors].map(([name, tensor]) => ({ name, ...tensor })), metadata };
  },
} satisfies Format;
