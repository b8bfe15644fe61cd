import {
  DistilleryError,
  type FieldError,
  type Kind,
  networkId,
  type Registry,
  weightsDigest,
} from '@distillery/spec';
import type { Store } from '@distillery/store';
import { z } from 'zod';
import { headerOfNamed } from '../metadata.ts';
import type { TeacherKind, TeacherOutline } from '../provider.ts';

const options = z.strictObject({
  weights: weightsDigest
    .optional()
    .describe(
      'The digest of a weights file that an earlier job stored; its report and checkpoints show it. Needed unless `network` is given.',
    ),
  network: networkId,
});

const json = z.string().transform((text, context): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    context.addIssue({ code: 'custom', message: 'is not JSON' });
    return z.NEVER;
  }
});

/** The metadata of a weights file: its network, and the images that the network takes. */
function metadataSchema(architectures: Registry<Kind>) {
  return z.object({
    architecture: json.pipe(architectures.schema),
    classes: json.pipe(z.array(z.string()).min(1)),
    input: json.pipe(z.array(z.int().min(1)).min(1)),
    normalization: json.pipe(z.object({ mean: z.array(z.number()), std: z.array(z.number()) })),
  });
}

/** A network of an earlier job, by the digest of its weights. It is not trained again. */
export function stored({ architectures }: { architectures: Registry<Kind> }): TeacherKind<typeof options> {
  return {
    type: 'stored',
    summary: 'A network of an earlier job, by the digest of its weights.',
    options,
    trains: false,
    outline: async ({ weights, network }, context) => {
      if (network !== undefined) {
        const why = 'is the id of a network of a service, and can be used in its jobs alone: give `weights`';
        throw refusal(network, weights === undefined ? why : 'cannot be given beside `weights`', '/network');
      }
      if (weights === undefined) throw refusal(undefined, 'is required, or the id of a network as `network`');
      return await outlineOf(weights, context?.store, metadataSchema(architectures));
    },
    open: ({ weights = '' }, { network }) => network(weights),
  };
}

async function outlineOf(
  weights: string,
  store: Store | undefined,
  schema: ReturnType<typeof metadataSchema>,
): Promise<TeacherOutline> {
  const { metadata } = await headerOfNamed(store, weights, (message) => refusal(weights, message));
  if ('tokenizer' in metadata) {
    throw refusal(
      weights,
      'is a network for texts, expected one for images: a vocabulary belongs to its data set',
    );
  }
  const parsed = schema.safeParse(metadata);
  if (!parsed.success) {
    const [{ path, message }] = parsed.error.issues;
    const missing = !(String(path[0]) in metadata);
    throw refusal(
      weights,
      `has metadata that do not describe its network: ${path.join('/')} ${missing ? 'is missing' : message}; ` +
        'expected architecture, classes, input and normalization, as in every weights file of Distillery',
    );
  }
  const { architecture, classes, input, normalization } = parsed.data;
  return { architecture, subject: { shape: input, classes }, normalization };
}

function refusal(value: string | undefined, message: string, path = '/weights'): DistilleryError {
  const fields: FieldError[] = [{ path, message, ...(value !== undefined && { value }) }];
  return new DistilleryError('invalid_spec', 'the stored teacher cannot be used', { fields });
}
