import { z } from 'zod';

/** Networks as resources: files of weights that people bring. */

const extent = z.int().min(1).max(1_000_000);
const channelwise = z.array(z.number()).min(1).max(4);

/** The name of a network, as `name` of a job. */
const name = z
  .string()
  .trim()
  .min(1)
  .max(120)
  // oxlint-disable-next-line no-control-regex
  .regex(/^[^\u0000-\u001f\u007f]*$/, 'must have no control characters')
  .describe('A name for people, such as "resnet 56 of 2024".');

const described = z.strictObject({
  name: name.optional(),
  architecture: z
    .looseObject({ type: z.string() })
    .describe('The network, as in a job spec: an entry of the catalogue of architectures with its options.'),
  classes: z
    .array(z.string().min(1).max(200))
    .min(2)
    .max(100_000)
    .describe('The names of the classes, in the order of the logits.'),
  input: z.tuple([extent, extent, extent]).describe('The shape of an image: `[height, width, channels]`.'),
  normalization: z
    .strictObject({ mean: channelwise, std: channelwise })
    .describe(
      'The mean and the standard deviation of each channel that the network was trained with, of values from 0 to 1.',
    ),
  license: z.string().max(200).optional().describe('The license of the weights, such as "apache-2.0".'),
});
/** What people say of a network that they bring. */
export type DescribedNetwork = z.output<typeof described>;

export const networkInputSchema = described
  .extend({
    path: z
      .string()
      .min(1)
      .max(4096)
      .optional()
      .describe(
        'The file with its weights, in a folder that jobs may read (`DATA_ROOTS`): safetensors, a state dict of PyTorch (`.pt`, `.pth`), or an `.npz` of NumPy.',
      ),
    upload: z
      .string()
      .max(200)
      .optional()
      .describe('The id of an upload of such a file, in place of `path`.'),
  })
  .refine(({ path, upload }) => (path === undefined) !== (upload === undefined), {
    path: ['path'],
    message: 'give either the path of a file or the id of an upload',
  });
export type NetworkInput = z.output<typeof networkInputSchema>;

export const networkSchema = described.extend({
  id: z.string().describe('The id of the network.'),
  name: z.string().nullable(),
  license: z.string().nullable(),
  owner: z.string().nullable().describe('The name of the API key that brought it; null while keys are off.'),
  createdAt: z.iso.datetime(),
  parameters: z.number().int().describe('The number of its weights, without running statistics.'),
  weights: z
    .object({
      digest: z
        .string()
        .describe('The SHA-256 of the stored file: a job names it as `{"type": "stored", "weights": "…"}`.'),
      size: z.number().int().describe('The size of the stored file in bytes.'),
    })
    .describe('The weights as safetensors, with PyTorch’s names.'),
});
/** A network that people have brought. */
export type Network = z.output<typeof networkSchema>;
