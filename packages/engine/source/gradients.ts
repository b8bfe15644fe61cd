import * as tf from '@tensorflow/tfjs-core';

/** The record of an operation on TensorFlow.js's gradient tape. */
interface TapeNode {
  inputs: Record<string, tf.Tensor>;
  outputs: tf.Tensor[];
  saved: tf.Tensor[];
  gradient?: (dys: (tf.Tensor | null)[]) => Record<string, () => tf.Tensor>;
  kernelName: string;
}

/** The parts of the TensorFlow.js engine that record gradients. */
interface Recorder {
  state: { activeTape: TapeNode[] | null; gradientDepth: number; kernelDepth: number };
  startTape(): void;
  endTape(): void;
}

/** The value and gradients of a function. It is a type, not an interface, because tf.tidy only accepts types. */
export type Gradients = {
  value: tf.Scalar;
  /**
   * The gradients by the names of the variables. With `partial`, variables that the value does not depend on are
   * absent.
   */
  gradients: Record<string, tf.Tensor>;
};

/**
 * Computes the value of a scalar function and its gradients.
 *
 * tf.variableGrads keeps every intermediate gradient, and every tensor that the forward pass saved, until the end. This
 * function disposes each as soon as it has been used, so the backward pass reuses the memory of the forward pass: it
 * halves the peak, and the buffers are still in the processor's caches.
 *
 * @param f the function; its intermediate results are disposed
 * @param variables the tensors to differentiate by, mostly variables
 * @param options.partial whether to leave out variables that f does not depend on
 * @throws RangeError if f does not depend on a variable, unless `partial`, or if it is called within another gradient
 */
export function gradientsOf(
  f: () => tf.Scalar,
  variables: Record<string, tf.Tensor>,
  { partial = false } = {},
): Gradients {
  const recorder = tf.engine() as unknown as Recorder;
  if (recorder.state.gradientDepth > 0)
    throw new RangeError('gradientsOf cannot be called within another gradient: use tf.grad there');
  recorder.startTape();
  let value: tf.Scalar | undefined;
  let tape: TapeNode[] = [];
  try {
    try {
      value = tf.tidy(f);
    } finally {
      recorder.endTape();
      tape = recorder.state.activeTape ?? [];
      recorder.state.activeTape = null;
    }
    const gradients = backward(tape, value, Object.values(variables));
    return { value, gradients: byName(partial ? withGradient(variables, gradients) : variables, gradients) };
  } catch (error) {
    value?.dispose();
    throw error;
  } finally {
    for (const { saved } of tape) tf.dispose(saved);
  }
}

/**
 * Calls f without recording it on the surrounding gradient tape. Its result is a constant to the surrounding gradient,
 * and f may compute gradients itself.
 */
export function unrecorded<T>(f: () => T): T {
  const { state } = tf.engine() as unknown as Recorder;
  const { activeTape, gradientDepth, kernelDepth } = state;
  Object.assign(state, { activeTape: null, gradientDepth: 0, kernelDepth: 0 });
  try {
    return f();
  } finally {
    Object.assign(state, { activeTape, gradientDepth, kernelDepth });
  }
}

/**
 * Returns a copy of a tensor as a constant: no gradient flows back through it.
 *
 * @param x a tensor of any shape
 */
export function detached(x: tf.Tensor): tf.Tensor {
  return unrecorded(() => tf.clone(x));
}

/** Returns the variables that have a gradient. */
function withGradient(
  variables: Record<string, tf.Tensor>,
  gradients: Map<number, tf.Tensor>,
): Record<string, tf.Tensor> {
  return Object.fromEntries(Object.entries(variables).filter(([, { id }]) => gradients.has(id)));
}

function byName(
  variables: Record<string, tf.Tensor>,
  gradients: Map<number, tf.Tensor>,
): Record<string, tf.Tensor> {
  const missing = Object.keys(variables).find((name) => !gradients.has(variables[name].id));
  if (missing !== undefined) {
    for (const gradient of gradients.values()) gradient.dispose();
    throw new RangeError(`the loss does not depend on ${missing}`);
  }
  return Object.fromEntries(
    Object.entries(variables).map(([name, { id }]) => [name, gradients.get(id) as tf.Tensor]),
  );
}

/** Walks the tape backwards and returns the gradients of `xs` by tensor id. All other tensors are disposed. */
function backward(tape: TapeNode[], y: tf.Tensor, xs: tf.Tensor[]): Map<number, tf.Tensor> {
  const needed = between(tape, xs, y);
  const wanted = new Set(xs.map(({ id }) => id));
  const gradients = new Map<number, tf.Tensor>([[y.id, tf.onesLike(y)]]);
  for (const node of tape.toReversed()) {
    const inputs = needed.get(node);
    const dys = node.outputs.map(({ id }) => gradients.get(id) ?? null);
    if (inputs !== undefined && dys.some((dy) => dy !== null)) {
      for (const [name, dx] of Object.entries(gradientsThrough(node, inputs, dys))) {
        const { id } = node.inputs[name];
        const sum = gradients.get(id);
        gradients.set(id, sum === undefined ? dx : tf.add(sum, dx));
        if (sum !== undefined) tf.dispose([sum, dx]);
      }
    }
    node.outputs.forEach(({ id }, index) => {
      if (wanted.has(id)) return;
      dys[index]?.dispose();
      gradients.delete(id);
    });
    tf.dispose(node.saved);
    node.saved = [];
  }
  for (const [id, gradient] of gradients) if (!wanted.has(id)) gradient.dispose();
  return gradients;
}

/** Computes the gradients of a node's inputs, each as a separate tensor. */
function gradientsThrough(
  { gradient, inputs: tensors, saved, kernelName }: TapeNode,
  inputs: string[],
  dys: (tf.Tensor | null)[],
): Record<string, tf.Tensor> {
  if (gradient === undefined) throw new RangeError(`${kernelName} has no gradient`);
  return tf.tidy(() => {
    const functions = gradient(dys);
    const seen = new Set<tf.Tensor | null>([...dys, ...saved]);
    return Object.fromEntries(
      inputs.map((name) => {
        const result = functions[name]();
        if (`${result.shape}` !== `${tensors[name].shape}`) {
          throw new RangeError(
            `the gradient of ${kernelName} for ${name} has shape [${result.shape}], expected [${tensors[name].shape}]`,
          );
        }
        // A gradient that is passed on unchanged, or to two inputs, needs a separate handle for each.
        const dx = seen.has(result) ? tf.clone(result) : result;
        seen.add(dx);
        return [name, dx];
      }),
    );
  });
}

/** Returns the nodes on a path from one of `xs` to y, each with its inputs on such a path. */
function between(tape: TapeNode[], xs: tf.Tensor[], y: tf.Tensor): Map<TapeNode, string[]> {
  const fromX = new Set(xs.map(({ id }) => id));
  const inputsFromX = new Map<TapeNode, string[]>();
  for (const node of tape) {
    const names = Object.keys(node.inputs).filter((name) => fromX.has(node.inputs[name]?.id));
    if (names.length === 0) continue;
    inputsFromX.set(node, names);
    for (const { id } of node.outputs) fromX.add(id);
  }
  const toY = new Set([y.id]);
  const needed = new Map<TapeNode, string[]>();
  for (const node of tape.toReversed()) {
    const names = inputsFromX.get(node);
    if (names === undefined || !node.outputs.some(({ id }) => toY.has(id))) continue;
    needed.set(node, names);
    for (const name of names) toY.add(node.inputs[name].id);
  }
  return needed;
}
