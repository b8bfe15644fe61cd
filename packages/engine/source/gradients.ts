import * as tf from '@tensorflow/tfjs-core';

/** What TensorFlow.js writes down of an operation while a gradient is asked for. */
interface TapeNode {
  inputs: Record<string, tf.Tensor>;
  outputs: tf.Tensor[];
  saved: tf.Tensor[];
  gradient?: (dys: (tf.Tensor | null)[]) => Record<string, () => tf.Tensor>;
  kernelName: string;
}

/** The parts of the core's engine that its own gradients are made with. */
interface Recorder {
  state: { activeTape: TapeNode[] | null; gradientDepth: number; kernelDepth: number };
  startTape(): void;
  endTape(): void;
}

/** A type, not an interface: tf.tidy takes no other. */
export type Gradients = {
  value: tf.Scalar;
  /** By the variables' names; without those that take no part, where that is allowed. */
  gradients: Record<string, tf.Tensor>;
};

/**
 * The value of a scalar function and its gradients.
 *
 * tf.variableGrads keeps every intermediate gradient and everything that the forward pass saved until the end. Here each
 * goes as soon as it has been used, so that the backward pass runs in the memory that the forward pass leaves: half the
 * peak, and buffers that are still in the processor's caches.
 *
 * @param f its intermediate results are disposed
 * @param variables tensors that f depends on, mostly variables
 * @param options.partial leaves out variables that do not take part in f
 * @throws RangeError when a variable does not take part in f, unless `partial`
 */
export function gradientsOf(
  f: () => tf.Scalar,
  variables: Record<string, tf.Tensor>,
  { partial = false } = {},
): Gradients {
  const recorder = tf.engine() as unknown as Recorder;
  if (recorder.state.gradientDepth > 0) throw new RangeError('gradients within gradients are for tf.grad');
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
    return { value, gradients: named(partial ? taking(variables, gradients) : variables, gradients) };
  } catch (error) {
    value?.dispose();
    throw error;
  } finally {
    for (const { saved } of tape) tf.dispose(saved);
  }
}

/**
 * Calls f as if no gradient were asked for around it: gradients may be taken within, and to those around it what it
 * returns is constant.
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
 * The same values as a constant: no gradient passes to what x was computed from.
 *
 * @param x any shape
 */
export function detached(x: tf.Tensor): tf.Tensor {
  return unrecorded(() => tf.clone(x));
}

/** The variables that have a gradient. */
function taking(
  variables: Record<string, tf.Tensor>,
  gradients: Map<number, tf.Tensor>,
): Record<string, tf.Tensor> {
  return Object.fromEntries(Object.entries(variables).filter(([, { id }]) => gradients.has(id)));
}

function named(
  variables: Record<string, tf.Tensor>,
  gradients: Map<number, tf.Tensor>,
): Record<string, tf.Tensor> {
  const missing = Object.keys(variables).find((name) => !gradients.has(variables[name].id));
  if (missing !== undefined) {
    for (const gradient of gradients.values()) gradient.dispose();
    throw new RangeError(`${missing} does not take part in the loss`);
  }
  return Object.fromEntries(
    Object.entries(variables).map(([name, { id }]) => [name, gradients.get(id) as tf.Tensor]),
  );
}

/** Walks the tape back; returns the gradients of `xs` by tensor id. Nothing but them is left. */
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

/** The gradients of a node's inputs, each a tensor of its own. */
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
        // A gradient that is handed on as it came, or to two inputs, needs a handle for each.
        const dx = seen.has(result) ? tf.clone(result) : result;
        seen.add(dx);
        return [name, dx];
      }),
    );
  });
}

/** The nodes on a way from one of `xs` to y, each with the inputs that lie on it. */
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
