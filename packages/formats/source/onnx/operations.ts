import type { OnnxModel } from './model.ts';
import type { OperationContext, Writers } from '../write-graph.ts';
import type { Parameters } from './parameters.ts';

/** Maps are `[batch, channels, height, width]` in the model. */
type Context = OperationContext<OnnxModel, Parameters>;

/** Every operation of a network in the operators of ONNX (https://onnx.ai/onnx/operators). */
export const writers: Writers<Context> = {
  conv({ name, kernel, stride, padding, bias }, { model, parameters, inputs: [x] }) {
    const offset = bias ? [parameters.exact(`${name}.bias`)] : [];
    const attributes = windows(kernel, stride, padding);
    return model.node('Conv', [x, parameters.weights(`${name}.weight`, 0), ...offset], attributes);
  },
  depthwise(node, { model, parameters, inputs: [x] }) {
    const { name, kernel, stride, padding, bias = false, shape } = node;
    const offset = bias ? [parameters.exact(`${name}.bias`)] : [];
    const attributes = { ...windows(kernel, stride, padding), group: shape[2] };
    return model.node('Conv', [x, parameters.weights(`${name}.weight`, 0), ...offset], attributes);
  },
  enlarge({ name, factor, bias }, { model, parameters, inputs: [x] }) {
    const padding = Math.floor(factor / 2);
    const offset = bias ? [parameters.exact(`${name}.bias`)] : [];
    const attributes = windows(factor + 2 * padding, factor, padding);
    return model.node('ConvTranspose', [x, parameters.weights(`${name}.weight`, 1), ...offset], attributes);
  },
  linear({ name, bias }, { model, parameters, inputs: [x], shapes: [shape] }) {
    const offset = bias ? [parameters.exact(`${name}.bias`)] : [];
    if (shape.length === 1) {
      return model.node('Gemm', [x, parameters.weights(`${name}.weight`, 0), ...offset], { transB: 1 });
    }
    const weight = parameters.weights(`${name}.weight`, 1, [1, 0]);
    return overLastAxis(x, shape, model, (vectors) => {
      const product = model.node('MatMul', [vectors, weight]);
      return bias ? model.node('Add', [product, ...offset]) : product;
    });
  },
  batchNorm({ name, epsilon }, { model, parameters, inputs: [x], shapes: [shape] }) {
    const statistics = ['weight', 'bias', 'running_mean', 'running_var'].map((part) =>
      parameters.exact(`${name}.${part}`),
    );
    const attributes = { epsilon: { float: epsilon } };
    if (shape.length !== 2) return model.node('BatchNormalization', [x, ...statistics], attributes);
    // ONNX takes the second axis for the channels, which is that of the tokens in a sequence.
    const turned = model.node('Transpose', [x], { perm: [0, 2, 1] });
    const y = model.node('BatchNormalization', [turned, ...statistics], attributes);
    return model.node('Transpose', [y], { perm: [0, 2, 1] });
  },
  layerNorm({ name, epsilon }, { model, parameters, inputs: [x], shapes: [shape] }) {
    const [weight, bias] = ['weight', 'bias'].map((part) => parameters.exact(`${name}.${part}`));
    return overLastAxis(x, shape, model, (vectors) =>
      model.node('LayerNormalization', [vectors, weight, bias], { epsilon: { float: epsilon } }),
    );
  },
  relu: (_, { model, inputs }) => model.node('Relu', inputs),
  relu6: (_, { model, inputs: [x] }) => model.node('Clip', [x, model.scalar(0), model.scalar(6)]),
  gelu(_, { model, inputs: [x] }) {
    // The operator Gelu is newer than our version of the operators. Runtimes recognise this form.
    const error = model.node('Erf', [model.node('Div', [x, model.scalar(Math.SQRT2)])]);
    const twice = model.node('Mul', [x, model.node('Add', [error, model.scalar(1)])]);
    return model.node('Mul', [twice, model.scalar(0.5)]);
  },
  activate({ by }, { model, inputs: [x] }) {
    if (by === 'silu') return model.node('Mul', [x, model.node('Sigmoid', [x])]);
    if (by === 'hard_swish') return model.node('HardSwish', [x]);
    if (by === 'hard_sigmoid') {
      return model.node('HardSigmoid', [x], { alpha: { float: 1 / 6 }, beta: { float: 0.5 } });
    }
    return model.node(by === 'tanh' ? 'Tanh' : 'Sigmoid', [x]);
  },
  maxPool: ({ size, stride, padding = 0 }, { model, inputs }) =>
    model.node('MaxPool', inputs, windows(size, stride, padding)),
  averagePool: ({ size, stride }, { model, inputs }) =>
    model.node('AveragePool', inputs, windows(size, stride, 0)),
  globalAveragePool: (_, { model, inputs: [x] }) =>
    model.node('ReduceMean', [x], { axes: [2, 3], keepdims: 0 }),
  meanMap: (_, { model, inputs: [x] }) => model.node('ReduceMean', [x], { axes: [2, 3], keepdims: 1 }),
  flatten: (_, { model, inputs, shapes: [shape] }) => {
    if (shape.length === 1) return inputs[0];
    return model.node('Flatten', inputs, { axis: 1 });
  },
  add: (_, { model, inputs }) => model.node('Add', inputs),
  multiply: (_, { model, inputs }) => model.node('Mul', inputs),
  // [c, 1, 1] is the shape of a number for each channel of a map [batch, c, h, w].
  channelScale: ({ name }, { model, parameters, inputs: [x] }) =>
    model.node('Mul', [x, parameters.exact(name)]),
  scale: ({ factor }, { model, inputs: [x] }) => model.node('Mul', [x, model.scalar(factor)]),
  concat: (_, { model, inputs }) => model.node('Concat', inputs, { axis: 1 }),
  slice({ from, to }, { model, inputs: [x], shapes: [shape] }) {
    // The channels are the second axis of a map and the last one of a sequence or a vector.
    const axis = shape.length === 3 ? 1 : shape.length;
    return model.node('Slice', [x, model.ints([from]), model.ints([to]), model.ints([axis])]);
  },
  shuffle({ groups, shape: [height, width, channels] }, { model, inputs: [x] }) {
    const split = model.node('Reshape', [x, model.ints([-1, groups, channels / groups, height, width])]);
    const turned = model.node('Transpose', [split], { perm: [0, 2, 1, 3, 4] });
    return model.node('Reshape', [turned, model.ints([-1, channels, height, width])]);
  },
  tokens({ shape: [tokens, width] }, { model, inputs: [x] }) {
    const joined = model.node('Reshape', [x, model.ints([-1, width, tokens])]);
    return model.node('Transpose', [joined], { perm: [0, 2, 1] });
  },
  embedding: ({ name }, { model, parameters, inputs: [ids] }) =>
    model.node('Gather', [parameters.weights(`${name}.weight`, 0), ids], { axis: 0 }),
  prepend({ name }, { model, parameters, inputs: [x], shapes: [[, width]] }) {
    const batch = model.node('Shape', [x], { start: 0, end: 1 });
    const shape = model.node('Concat', [batch, model.ints([1, width])], { axis: 0 });
    const first = model.node('Expand', [parameters.exact(name), shape]);
    return model.node('Concat', [first, x], { axis: 1 });
  },
  positions: ({ name }, { model, parameters, inputs: [x] }) => model.node('Add', [x, parameters.exact(name)]),
  positionTable({ name, shape: [tokens] }, { model, parameters, inputs: [x] }) {
    const table = parameters.weights(`${name}.weight`, 0);
    const rows = model.node('Slice', [table, model.ints([0]), model.ints([tokens]), model.ints([0])]);
    return model.node('Add', [x, rows]);
  },
  segments({ name, separator }, { model, parameters, inputs: [x, ids] }) {
    const table = parameters.weights(`${name}.weight`, 0);
    const [first, second] = [0, 1].map((row) =>
      model.node('Slice', [table, model.ints([row]), model.ints([row + 1]), model.ints([0])]),
    );
    const y = model.node('Add', [x, first]);
    if (separator === undefined) return y;
    const id = model.tensor(`id_${separator}`, 'int64', [], BigInt64Array.of(BigInt(separator)));
    const ends = model.node('Cast', [model.node('Equal', [ids, id])], { to: 1 });
    const before = model.node('CumSum', [ends, model.ints([1])], { exclusive: 1 });
    const behind = model.node('Unsqueeze', [model.node('Min', [before, model.scalar(1)]), model.ints([2])]);
    return model.node('Add', [y, model.node('Mul', [behind, model.node('Sub', [second, first])])]);
  },
  token: ({ index }, { model, inputs: [x] }) =>
    model.node('Gather', [x, model.tensor(`index_${index}`, 'int64', [], BigInt64Array.of(BigInt(index)))], {
      axis: 1,
    }),
  meanOfTokens(_, { model, inputs: [x, mask] }) {
    if (mask === undefined) return model.node('ReduceMean', [x], { axes: [1], keepdims: 0 });
    const weights = model.node('Unsqueeze', [mask, model.ints([2])]);
    const sum = model.node('ReduceSum', [model.node('Mul', [x, weights]), model.ints([1])], { keepdims: 0 });
    const count = model.node('ReduceSum', [weights, model.ints([1])], { keepdims: 0 });
    return model.node('Div', [sum, model.node('Max', [count, model.scalar(1)])]);
  },
  present({ padding }, { model, inputs: [ids] }) {
    const scalar = model.tensor(`id_${padding}`, 'int64', [], BigInt64Array.of(BigInt(padding)));
    return model.node('Cast', [model.node('Not', [model.node('Equal', [ids, scalar])])], { to: 1 });
  },
  attention({ heads, shape: [tokens, width] }, context) {
    const {
      model,
      inputs: [, , v, mask],
    } = context;
    let scores = scoresOf(heads, context);
    if (mask !== undefined) scores = model.node('Add', [scores, penalties(mask, context)]);
    const weights = model.node('Softmax', [scores], { axis: -1 });
    const values = perHead(v, heads, [tokens, width], context, [0, 2, 1, 3]);
    const mixed = model.node('Transpose', [model.node('MatMul', [weights, values])], { perm: [0, 2, 1, 3] });
    return model.node('Reshape', [mixed, model.ints([-1, tokens, width])]);
  },
  attentionScores({ heads }, context) {
    const {
      model,
      inputs: [, , mask],
    } = context;
    const scores = scoresOf(heads, context);
    if (mask === undefined) return scores;
    return model.node('Mul', [scores, model.node('Unsqueeze', [mask, model.ints([1, 2])])]);
  },
  freeParameter: ({ name }, { parameters }) => parameters.exact(name),
};

/** Applies what works on the last axis to the channels, which are the second axis of a map. */
function overLastAxis(
  x: string,
  shape: readonly number[],
  model: OnnxModel,
  apply: (vectors: string) => string,
): string {
  if (shape.length !== 3) return apply(x);
  const last = model.node('Transpose', [x], { perm: [0, 2, 3, 1] });
  return model.node('Transpose', [apply(last)], { perm: [0, 3, 1, 2] });
}

function windows(kernel: number, stride: number, padding: number) {
  return {
    kernel_shape: [kernel, kernel],
    strides: [stride, stride],
    pads: [padding, padding, padding, padding],
  };
}

/** q·kᵀ/√(width of a head), `[batch, heads, tokens, tokens]` */
function scoresOf(heads: number, context: Context): string {
  const {
    model,
    inputs: [q, k],
    shapes: [[tokens, width]],
  } = context;
  const queries = perHead(q, heads, [tokens, width], context, [0, 2, 1, 3]);
  const keys = perHead(k, heads, [tokens, width], context, [0, 2, 3, 1]);
  const factor = model.scalar(1 / Math.sqrt(width / heads));
  return model.node('Mul', [model.node('MatMul', [queries, keys]), factor]);
}

function perHead(
  x: string,
  heads: number,
  [tokens, width]: readonly number[],
  { model }: Context,
  perm: readonly number[],
): string {
  const split = model.node('Reshape', [x, model.ints([-1, tokens, heads, width / heads])]);
  return model.node('Transpose', [split], { perm });
}

/** Zero for each key that may be attended to, and for others a number that leaves no weight after the softmax. */
function penalties(mask: string, { model }: Context): string {
  const absent = model.node('Sub', [model.scalar(1), model.node('Unsqueeze', [mask, model.ints([1, 2])])]);
  return model.node('Mul', [absent, model.scalar(-1e9)]);
}
