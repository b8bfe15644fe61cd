import { withOutputs } from '@distillery/formats';
import { openSession, type Output, type OnnxSession, type PortFacts } from './session.ts';

/** What people say of the tensors of a model. */
export interface ModelOptions {
  input?: string | undefined;
  logits?: string | undefined;
  /** The name of the model's tensor for each tap. */
  taps: Readonly<Record<string, string>>;
}

/** A model whose input and outputs are known. */
export interface OpenModel {
  session: OnnxSession;
  input: PortFacts;
  /** The name of the tensor of each tap; `logits` is one of them. */
  tensors: Readonly<Record<string, string>>;
  /** The only length of a batch that the model takes; undefined where it takes any. */
  batch: number | undefined;
}

/**
 * Loads a model that puts out the wanted tensors.
 *
 * @throws RangeError that names the tensor that is missing or has another type; those of `openSession`
 */
export async function openModel(bytes: Uint8Array, options: ModelOptions): Promise<OpenModel> {
  const first = await openSession(bytes);
  let session = first;
  try {
    const names = first.outputs.map(({ name }) => name);
    const logits = logitsOf(options.logits, names);
    const tensors = { ...options.taps, logits };
    const more = [...new Set(Object.values(tensors))].filter((name) => !names.includes(name));
    if (more.length > 0) {
      session = await openSession(withOutputs(bytes, more)).catch((error: unknown) => {
        if (!(error instanceof RangeError)) throw error;
        throw new RangeError(`has no tensors ${more.join(', ')} that can be read as taps`, { cause: error });
      });
      first.close();
    }
    const input = inputOf(options.input, session.inputs);
    const [size] = input.shape;
    return { session, input, tensors, batch: typeof size === 'number' && size > 0 ? size : undefined };
  } catch (error) {
    session.close();
    first.close();
    throw error;
  }
}

function logitsOf(chosen: string | undefined, names: readonly string[]): string {
  if (chosen !== undefined) return chosen;
  if (names.includes('logits')) return 'logits';
  if (names.length === 1) return names[0];
  throw new RangeError(`has the outputs ${names.join(', ')}: name the logits by the option logits`);
}

function inputOf(chosen: string | undefined, inputs: readonly PortFacts[]): PortFacts {
  const names = inputs.map(({ name }) => name).join(', ');
  if (inputs.length !== 1) throw new RangeError(`has the inputs ${names}, expected one`);
  const [input] = inputs;
  if (chosen !== undefined && chosen !== input.name)
    throw new RangeError(`has the input ${names}, not ${chosen}`);
  if (input.type === 'float32') return input;
  throw new RangeError(`takes ${input.type} as ${input.name}, expected float32`);
}

/**
 * Runs a model over samples, in parts where it takes batches of one length only; the last part is filled up with zeros.
 *
 * @param shape of a sample, as the model takes it
 * @param data `[count, …shape]`
 * @returns for each of the tensors `[count, …]`
 */
export function runModel(
  { session, input: { name }, batch }: OpenModel,
  { shape, data, count }: { shape: readonly number[]; data: Float32Array; count: number },
  tensors: readonly string[],
): Output[] {
  if (batch === undefined || batch === count)
    return session.run({ name, shape: [count, ...shape], data }, tensors);
  const size = data.length / count;
  const parts: Output[][] = [];
  for (let from = 0; from < count; from += batch) {
    const part = new Float32Array(batch * size);
    part.set(data.subarray(from * size, Math.min(count, from + batch) * size));
    parts.push(session.run({ name, shape: [batch, ...shape], data: part }, tensors));
  }
  return tensors.map((_, index) => {
    const [
      {
        shape: [, ...rest],
      },
    ] = parts.map((part) => part[index]);
    const length = rest.reduce((product, extent) => product * extent, 1);
    const joined = new Float32Array(count * length);
    for (const [at, part] of parts.entries()) {
      const left = Math.min(batch, count - at * batch) * length;
      joined.set(part[index].data.subarray(0, left), at * batch * length);
    }
    return { shape: [count, ...rest], data: joined };
  });
}
