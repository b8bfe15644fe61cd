import { digestOf, DistilleryError } from '@distillery/spec';
import { z } from 'zod';
import { openModel } from '../onnx/model.ts';
import { activationsFor, onnxProvider, tapShapes } from '../onnx/provider.ts';
import type { TeacherFiles, TeacherKind, TeacherProvider } from '../provider.ts';
import { classesOption, fileOptions, pathOf } from './file-options.ts';

const channelwise = z.array(z.number()).min(1).max(4);
const tensor = z.string().min(1).max(512);

const options = z.strictObject({
  ...fileOptions('The model: one ONNX file with its weights inside.'),
  input: tensor.optional().describe('The name of its input, for a check. Default: its only input.'),
  logits: tensor
    .optional()
    .describe('The name of the output with the logits. Default: `logits`, or the only output.'),
  taps: z
    .record(z.string().regex(/^[A-Za-z0-9_]{1,64}$/), tensor)
    .refine((taps) => !('logits' in taps), 'must not have logits, which is an option of its own')
    .default({})
    .describe(
      'Further taps: for each name that terms read, such as `features` or `stage3`, an output or any intermediate tensor of the model.',
    ),
  values: z
    .enum(['logits', 'probabilities'])
    .default('logits')
    .describe('What the logits are; `probabilities` where the model ends in a softmax.'),
  layout: z
    .enum(['nchw', 'nhwc'])
    .default('nchw')
    .describe(
      'Where the model has the channels of images and maps: `nchw` as in PyTorch, `nhwc` as in TensorFlow.',
    ),
  size: z
    .tuple([z.int().min(1).max(4096), z.int().min(1).max(4096)])
    .optional()
    .describe('Height and width that images are resized to for the model. Default: those of the job.'),
  normalization: z
    .strictObject({ mean: channelwise, std: channelwise })
    .optional()
    .describe(
      'The mean and the standard deviation of each channel that the model takes images with, of values from 0 to 1; mean 0 and deviation 1/255 are pixels from 0 to 255. Default: as the job.',
    ),
  classes: classesOption('logits'),
  batch: z.int().min(1).max(512).default(32).describe('The most samples that it is asked at once.'),
});
type Options = z.output<typeof options>;

/** A model in ONNX's format, which ONNX Runtime runs. It is asked once for each sample and view, or in the training loop. */
export const onnx: TeacherKind<typeof options> = {
  type: 'onnx',
  summary: 'A model in a file of ONNX, which runs in ONNX Runtime (onnxruntime-node).',
  reference: 'https://onnx.ai',
  options,
  trains: false,
  async outline(chosen, context) {
    const path = pathOf(chosen);
    const { files, job } = context ?? {};
    if (files === undefined || job === undefined)
      throw refusal(path, 'cannot be looked up without the data of the job');
    try {
      const taps = await shapesOf(chosen, files, job.shape);
      const activations = activationsFor(chosen.batch);
      const expected = chosen.classes?.length ?? job.classes.length;
      if (taps.logits[0] !== expected) {
        const remedy =
          chosen.classes === undefined ? '; name them as `classes`, and map them by `classMap`' : '';
        throw new RangeError(`has ${taps.logits[0]} classes, expected ${expected}${remedy}`);
      }
      const { normalization, classes } = chosen;
      return { taps, activations, ...(normalization && { normalization }), ...(classes && { classes }) };
    } catch (error) {
      if (error instanceof DistilleryError && error.code === 'engine_unavailable') {
        throw refusal('onnx', error.message, '/type');
      }
      if (error instanceof RangeError) throw refusal(path, error.message);
      throw error;
    }
  },
  async open(chosen, { files, shape }) {
    try {
      return await opened(chosen, files, shape);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new DistilleryError('data_error', `the teacher ${pathOf(chosen)} ${error.message}`, {
        cause: error,
      });
    }
  },
};

/** The shapes of the taps, for which no engine is needed. */
async function shapesOf(
  chosen: Options,
  files: TeacherFiles,
  shape: readonly number[],
): Promise<Record<string, number[]>> {
  const model = await openModel((await files.bytes(pathOf(chosen))).bytes, chosen);
  try {
    return tapShapes(model, chosen, shape);
  } finally {
    model.session.close();
  }
}

async function opened(
  chosen: Options,
  files: TeacherFiles,
  shape: readonly number[],
): Promise<TeacherProvider> {
  const { digest: file, bytes } = await files.bytes(pathOf(chosen));
  const { taps, logits, layout, size, values, batch, normalization } = chosen;
  const model = await openModel(bytes, chosen);
  try {
    // The names of taps are part of it, because outputs are stored under them.
    const digest = digestOf({
      file,
      taps,
      logits: logits ?? null,
      layout,
      size: size ?? null,
      values,
      normalization: normalization ?? null,
    });
    return onnxProvider(model, { layout, size, values }, { digest, shape, batch });
  } catch (error) {
    model.session.close();
    throw error;
  }
}

function refusal(value: string, message: string, path = '/path'): DistilleryError {
  return new DistilleryError('invalid_spec', 'the ONNX teacher cannot be used', {
    fields: [{ path, message, value }],
  });
}
