import { interchangeShape, type ParameterSpec, record, trace } from '@distillery/engine';
import { type NamedTensor, readWeights, type Renamed, renamed, safetensors } from '@distillery/formats';
import { architectures, bind } from '@distillery/models';
import {
  type Choice,
  type DescribedNetwork,
  DistilleryError,
  type FieldError,
  refusedInput,
} from '@distillery/spec';

/** A network that people bring, as the store keeps it. */
export interface BroughtNetwork {
  /** The file: safetensors with PyTorch's names and layout. */
  file: Uint8Array;
  /** The number of its weights, without running statistics. */
  parameters: number;
}

/** The most entries of a refusal that compares names. */
const mostFields = 50;

/**
 * Reads the weights of a network from a file of safetensors, PyTorch or NumPy, and checks them against the architecture.
 *
 * @param bytes the file
 * @throws DistilleryError `invalid_network` with an entry for each parameter that is missing, has another shape, or belongs to no
 *   layer; for an architecture or an input that does not fit; and for a file that cannot be read
 */
export function bringNetwork(bytes: Uint8Array, given: DescribedNetwork): BroughtNetwork {
  const { classes, input, normalization } = given;
  const architecture = chosen(given);
  const forward = bind(architectures.get(architecture.type), architecture, { classes: classes.length });
  const plan = planned(() => trace(forward, input), architecture);
  checkNormalization(given);
  const names = plan.parameters.map(({ name }) => name);
  const found = renamed(architecture.type, names, read(bytes));
  const tensors = new Map(found.tensors.map((tensor) => [tensor.name, tensor]));
  const fields = differences(plan.parameters, tensors, found);
  if (fields.length > 0) {
    const [{ path, message }] = fields;
    const more = fields.length > 1 ? ` (and ${fields.length - 1} more)` : '';
    throw new DistilleryError(
      'invalid_network',
      `the weights are not those of ${architecture.type}: ${path} ${message}${more}`,
      { fields: fields.slice(0, mostFields) },
    );
  }
  const metadata = {
    format: 'pt',
    architecture: JSON.stringify(architecture),
    graph: JSON.stringify(record(forward, input)),
    classes: JSON.stringify(classes),
    normalization: JSON.stringify(normalization),
    input: JSON.stringify(input),
  };
  const parameters = plan.parameters.map(({ name }) => tensors.get(name) as NamedTensor);
  return { file: safetensors.encode({ parameters, metadata }), parameters: plan.parameterCount };
}

function chosen({ architecture }: DescribedNetwork): Choice {
  const { success, data, error } = architectures.schema.safeParse(architecture);
  if (!success) throw refusedInput('invalid_network', error, architecture, '/architecture');
  const { inputs = ['image'] } = architectures.get(data.type);
  if (inputs.includes('image')) return data;
  throw refusal(
    '/architecture/type',
    'must be a network for images: a vocabulary belongs to its data set',
    data.type,
  );
}

function planned<Plan>(plan: () => Plan, { type }: Choice): Plan {
  try {
    return plan();
  } catch (error) {
    if (error instanceof RangeError) throw refusal('/input', `does not fit ${type}: ${error.message}`);
    throw error;
  }
}

function checkNormalization({ input: [, , channels], normalization }: DescribedNetwork): void {
  for (const [name, values] of Object.entries(normalization)) {
    if (values.length === channels) continue;
    throw refusal(`/normalization/${name}`, `must have ${channels} numbers, one for each channel`, values);
  }
  const zero = normalization.std.find((deviation) => deviation <= 0);
  if (zero !== undefined) throw refusal('/normalization/std', 'must be above 0', zero);
}

function read(bytes: Uint8Array): NamedTensor[] {
  try {
    return readWeights(bytes);
  } catch (error) {
    if (!(error instanceof DistilleryError)) throw error;
    throw new DistilleryError('invalid_network', error.message, { cause: error });
  }
}

/** One entry for each parameter that the file and the network do not share. */
function differences(
  parameters: readonly ParameterSpec[],
  tensors: ReadonlyMap<string, NamedTensor>,
  { naming, namesOf }: Renamed,
): FieldError[] {
  /** What a parameter is called in the file, where that is something else. */
  const called = (name: string) =>
    naming === undefined ? '' : ` (in the names of ${naming}: ${namesOf(name).join(', ')})`;
  const known = new Set(parameters.map(({ name }) => name));
  const wrong = parameters.flatMap((parameter): FieldError[] => {
    const { name } = parameter;
    const expected = interchangeShape(parameter);
    const found = tensors.get(name);
    const path = `/weights/${name}`;
    if (found === undefined) return [{ path, message: `is missing${called(name)}, expected [${expected}]` }];
    if (`${found.shape}` === `${expected}`) return [];
    return [
      {
        path,
        message: `has the shape [${found.shape}]${called(name)}, expected [${expected}]`,
        value: [...found.shape],
      },
    ];
  });
  const surplus = [...tensors.keys()].filter((name) => !known.has(name));
  return [
    ...wrong,
    ...surplus.map((name) => ({ path: `/weights/${name}`, message: 'belongs to no layer of the network' })),
  ];
}

function refusal(path: string, message: string, value?: unknown): DistilleryError {
  const field = { path, message, ...(value !== undefined && { value }) };
  return new DistilleryError('invalid_network', `${path}: ${message}`, { fields: [field] });
}
