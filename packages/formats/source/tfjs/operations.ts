import { flag, type GraphModel, ints, text, type } from './model.ts';
import type { OperationContext, Writers } from '../write-graph.ts';
import type { Parameters } from './parameters.ts';

/** Maps are `[batch, height, width, channels]` in the model. */
type Context = OperationContext<GraphModel, Parameters>;

/** Every operation of a network in the operators of TensorFlow that TensorFlow.js has (tfjs-converter/docs/supported_ops.md). */
export const writers: Writers<Context> = {
  conv({ name, stride, padding, bias }, context) {
    const {
      model,
      parameters,
      inputs: [x],
    } = context;
    const weight = parameters.weights(`${name}.weight`, [2, 3, 1, 0]);
    return biased(model.node('Conv2D', [x, weight], windows(stride, padding)), name, bias, context);
  },
  depthwise({ name, stride, padding, bias = false }, context) {
    const {
      model,
      parameters,
      inputs: [x],
    } = context;
    const weight = parameters.weights(`${name}.weight`, [2, 3, 0, 1]);
    const y = model.node('DepthwiseConv2dNative', [x, weight], windows(stride, padding));
    return biased(y, name, bias, context);
  },
  enlarge({ name, factor, bias, shape }, context) {
    const {
      model,
      parameters,
      inputs: [x],
    } = context;
    const all = model.node('Shape', [x], { out_type: type('DT_INT32') });
    const batch = model.node('Slice', [all, model.ints([0]), model.ints([1])], { T: type('DT_INT32') });
    const size = concatenated(context, [batch, model.ints([...shape])], 0, 'DT_INT32');
    const weight = parameters.weights(`${name}.weight`, [2, 3, 1, 0]);
    const attributes = { ...windows(factor, 0), padding: text('SAME') };
    return biased(model.node('Conv2DBackpropInput', [size, weight, x], attributes), name, bias, context);
  },
  linear({ name, bias, shape }, context) {
    const {
      model,
      parameters,
      inputs: [x],
      shapes: [from],
    } = context;
    const weight = parameters.weights(`${name}.weight`, [1, 0]);
    const rows = from.length === 1 ? x : reshaped(context, x, [from[from.length - 1]]);
    const product = model.node('MatMul', [rows, weight], {
      transpose_a: flag(false),
      transpose_b: flag(false),
    });
    const y = biased(product, name, bias, context);
    return from.length === 1 ? y : reshaped(context, y, shape);
  },
  batchNorm({ name, epsilon }, { model, parameters, inputs: [x] }) {
    const { scale, offset } = parameters.normalization(name, epsilon);
    return model.node('AddV2', [model.node('Mul', [x, scale]), offset]);
  },
  layerNorm({ name, epsilon }, context) {
    const {
      model,
      parameters,
      inputs: [x],
    } = context;
    const [scale, offset] = ['weight', 'bias'].map((part) => parameters.exact(`${name}.${part}`));
    const centred = model.node('Sub', [x, reduced(context, 'Mean', x, [-1], true)]);
    const variance = reduced(context, 'Mean', model.node('Square', [centred]), [-1], true);
    const factor = model.node('Rsqrt', [model.node('AddV2', [variance, model.scalar(epsilon)])]);
    const normal = model.node('Mul', [centred, factor]);
    return model.node('AddV2', [model.node('Mul', [normal, scale]), offset]);
  },
  relu: (_, { model, inputs }) => model.node('Relu', inputs),
  relu6: (_, { model, inputs }) => model.node('Relu6', inputs),
  gelu(_, { model, inputs: [x] }) {
    const error = model.node('Erf', [model.node('Mul', [x, model.scalar(Math.SQRT1_2)])]);
    const twice = model.node('Mul', [x, model.node('AddV2', [error, model.scalar(1)])]);
    return model.node('Mul', [twice, model.scalar(0.5)]);
  },
  activate({ by }, { model, inputs: [x] }) {
    if (by === 'tanh') return model.node('Tanh', [x]);
    if (by === 'sigmoid') return model.node('Sigmoid', [x]);
    if (by === 'silu') return model.node('Mul', [x, model.node('Sigmoid', [x])]);
    const bounded = model.node('Relu6', [model.node('AddV2', [x, model.scalar(3)])]);
    const hard = model.node('Mul', [bounded, model.scalar(1 / 6)]);
    return by === 'hard_sigmoid' ? hard : model.node('Mul', [x, hard]);
  },
  maxPool(node, { model, inputs: [x] }) {
    const { padding = 0 } = node;
    if (padding === 0) return model.node('MaxPool', [x], pooling(node));
    const around = [0, 0, padding, padding, padding, padding, 0, 0];
    const pads = model.node('Reshape', [model.ints(around), model.ints([4, 2])], {
      T: type('DT_INT32'),
      Tshape: type('DT_INT32'),
    });
    // Below every number, so that no maximum prefers it.
    const lowest = model.scalar(-3.4028234663852886e38);
    return model.node(
      'MaxPool',
      [model.node('PadV2', [x, pads, lowest], { Tpaddings: type('DT_INT32') })],
      pooling(node),
    );
  },
  averagePool: (node, { model, inputs }) => model.node('AvgPool', inputs, pooling(node)),
  globalAveragePool: (_, context) => reduced(context, 'Mean', context.inputs[0], [1, 2]),
  meanMap: (_, context) => reduced(context, 'Mean', context.inputs[0], [1, 2], true),
  flatten({ shape }, context) {
    const {
      inputs: [x],
      shapes: [from],
    } = context;
    if (from.length === 1) return x;
    return reshaped(context, from.length === 3 ? transposed(context, x, [0, 3, 1, 2]) : x, shape);
  },
  add: (_, { model, inputs }) => model.node('AddV2', inputs),
  multiply: (_, { model, inputs }) => model.node('Mul', inputs),
  channelScale: ({ name }, { model, parameters, inputs: [x] }) =>
    model.node('Mul', [x, parameters.exact(name, [1, 2, 0])]),
  scale: ({ factor }, { model, inputs: [x] }) => model.node('Mul', [x, model.scalar(factor)]),
  concat: (_, context) => concatenated(context, context.inputs, 3),
  slice({ from, to }, context) {
    const {
      inputs: [x],
      shapes: [shape],
    } = context;
    const whole = shape.slice(0, -1);
    return sliced(context, x, [0, ...whole.map(() => 0), from], [-1, ...whole, to - from]);
  },
  shuffle({ groups, shape }, context) {
    const [height, width, channels] = shape;
    const split = reshaped(context, context.inputs[0], [height, width, groups, channels / groups]);
    return reshaped(context, transposed(context, split, [0, 1, 2, 4, 3]), shape);
  },
  tokens: ({ shape }, context) => reshaped(context, context.inputs[0], shape),
  embedding({ name }, { model, parameters, inputs: [ids] }) {
    const table = parameters.weights(`${name}.weight`, [0, 1]);
    const types = { Tparams: type(), Tindices: type('DT_INT32'), Taxis: type('DT_INT32') };
    return model.node('GatherV2', [table, ids, model.ints(0)], types);
  },
  prepend({ name }, context) {
    const {
      model,
      parameters,
      inputs: [x],
      shapes: [[, width]],
    } = context;
    // The token once for each sample: zeros of the batch's length plus the token.
    const zeros = model.node('ZerosLike', [sliced(context, x, [0, 0, 0], [-1, 1, width])]);
    return concatenated(context, [model.node('AddV2', [zeros, parameters.exact(name)]), x], 1);
  },
  positions: ({ name }, { model, parameters, inputs: [x] }) =>
    model.node('AddV2', [x, parameters.exact(name)]),
  positionTable({ name, shape: [tokens, width] }, context) {
    const { model, parameters, inputs } = context;
    const table = parameters.weights(`${name}.weight`, [0, 1]);
    return model.node('AddV2', [inputs[0], sliced(context, table, [0, 0], [tokens, width])]);
  },
  segments({ name, separator, shape: [tokens, width] }, context) {
    const {
      model,
      parameters,
      inputs: [x, ids],
    } = context;
    const table = parameters.weights(`${name}.weight`, [0, 1]);
    const [first, second] = [0, 1].map((row) => sliced(context, table, [row, 0], [1, width]));
    const y = model.node('AddV2', [x, first]);
    if (separator === undefined) return y;
    const equal = model.node('Equal', [ids, model.ints(separator)], { T: type('DT_INT32') });
    const ends = model.node('Cast', [equal], { SrcT: type('DT_BOOL'), DstT: type() });
    const before = model.node('Cumsum', [ends, model.ints(1)], {
      exclusive: flag(true),
      reverse: flag(false),
      Tidx: type('DT_INT32'),
    });
    const behind = reshaped(context, model.node('Minimum', [before, model.scalar(1)]), [tokens, 1]);
    return model.node('AddV2', [y, model.node('Mul', [behind, model.node('Sub', [second, first])])]);
  },
  token({ index, shape: [width] }, context) {
    return reshaped(context, sliced(context, context.inputs[0], [0, index, 0], [-1, 1, width]), [width]);
  },
  meanOfTokens(_, context) {
    const {
      model,
      inputs: [x, mask],
      shapes: [[tokens]],
    } = context;
    if (mask === undefined) return reduced(context, 'Mean', x, [1]);
    const weights = reshaped(context, mask, [tokens, 1]);
    const sum = reduced(context, 'Sum', model.node('Mul', [x, weights]), [1]);
    const count = model.node('Maximum', [reduced(context, 'Sum', weights, [1]), model.scalar(1)]);
    return model.node('RealDiv', [sum, count]);
  },
  present({ padding }, { model, inputs: [ids] }) {
    const different = model.node('NotEqual', [ids, model.ints(padding)], { T: type('DT_INT32') });
    return model.node('Cast', [different], { SrcT: type('DT_BOOL'), DstT: type() });
  },
  attention({ heads, shape: [tokens, width] }, context) {
    const {
      model,
      inputs: [, , v, mask],
    } = context;
    let scores = scoresOf(heads, context);
    if (mask !== undefined) {
      const absent = model.node('Sub', [reshaped(context, mask, [1, 1, tokens]), model.scalar(1)]);
      scores = model.node('AddV2', [scores, model.node('Mul', [absent, model.scalar(1e9)])]);
    }
    const values = perHead(context, v, heads, [tokens, width]);
    const mixed = multiplied(context, model.node('Softmax', [scores]), values);
    return reshaped(context, transposed(context, mixed, [0, 2, 1, 3]), [tokens, width]);
  },
  attentionScores({ heads }, context) {
    const {
      model,
      inputs: [, , mask],
      shapes: [[tokens]],
    } = context;
    const scores = scoresOf(heads, context);
    if (mask === undefined) return scores;
    return model.node('Mul', [scores, reshaped(context, mask, [1, 1, tokens])]);
  },
  freeParameter: ({ name }, { parameters }) => parameters.exact(name),
};

function windows(stride: number, padding: number) {
  const explicit = {
    padding: text('EXPLICIT'),
    explicit_paddings: ints([0, 0, ...Array<number>(4).fill(padding), 0, 0]),
  };
  return {
    strides: ints([1, stride, stride, 1]),
    dilations: ints([1, 1, 1, 1]),
    data_format: text('NHWC'),
    ...(padding === 0 ? { padding: text('VALID') } : explicit),
  };
}

function pooling({ size, stride }: { size: number; stride: number }) {
  return {
    ksize: ints([1, size, size, 1]),
    strides: ints([1, stride, stride, 1]),
    padding: text('VALID'),
    data_format: text('NHWC'),
  };
}

function biased(y: string, name: string, bias: boolean, { model, parameters }: Context): string {
  return bias
    ? model.node('BiasAdd', [y, parameters.exact(`${name}.bias`)], { data_format: text('NHWC') })
    : y;
}

function reshaped({ model }: Context, x: string, shape: readonly number[]): string {
  return model.node('Reshape', [x, model.ints([-1, ...shape])], { Tshape: type('DT_INT32') });
}

function transposed({ model }: Context, x: string, axes: readonly number[]): string {
  return model.node('Transpose', [x, model.ints(axes)], { Tperm: type('DT_INT32') });
}

function reduced({ model }: Context, op: string, x: string, axes: readonly number[], keep = false): string {
  return model.node(op, [x, model.ints(axes)], { keep_dims: flag(keep), Tidx: type('DT_INT32') });
}

function sliced({ model }: Context, x: string, begin: readonly number[], size: readonly number[]): string {
  return model.node('Slice', [x, model.ints(begin), model.ints(size)], { Index: type('DT_INT32') });
}

function concatenated(
  { model }: Context,
  parts: readonly string[],
  axis: number,
  dtype = 'DT_FLOAT',
): string {
  return model.node('ConcatV2', [...parts, model.ints(axis)], {
    T: type(dtype),
    N: { i: String(parts.length) },
    Tidx: type('DT_INT32'),
  });
}

function multiplied({ model }: Context, x: string, y: string, transpose = false): string {
  return model.node('BatchMatMulV2', [x, y], { adj_x: flag(false), adj_y: flag(transpose) });
}

/** `[batch, tokens, width]` → `[batch, heads, tokens, width of a head]` */
function perHead(context: Context, x: string, heads: number, [tokens, width]: readonly number[]): string {
  return transposed(context, reshaped(context, x, [tokens, heads, width / heads]), [0, 2, 1, 3]);
}

/** q·kᵀ/√(width of a head), `[batch, heads, tokens, tokens]` */
function scoresOf(heads: number, context: Context): string {
  const {
    model,
    inputs: [q, k],
    shapes: [shape],
  } = context;
  const [queries, keys] = [q, k].map((x) => perHead(context, x, heads, shape));
  const factor = model.scalar(1 / Math.sqrt(shape[1] / heads));
  return model.node('Mul', [multiplied(context, queries, keys, true), factor]);
}
