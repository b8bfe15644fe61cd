import type { GraphNode, NetworkGraph } from '@distillery/spec';
import type {
  ActivationFunction,
  Attention,
  AttentionOptions,
  BatchNormOptions,
  ConvOptions,
  DepthwiseOptions,
  EmbeddingOptions,
  EnlargeOptions,
  Forward,
  Initializer,
  LinearOptions,
  MaxPoolingOptions,
  Net,
  PoolingOptions,
  PositionTableOptions,
  SegmentOptions,
} from './network.ts';
import { batchNormEpsilon } from './ops/batch-norm.ts';
import { TracingNet } from './trace.ts';

/** A value of the graph under its number, with its shape without the batch. */
interface Value {
  index: number;
  shape: number[];
}

/** A node before its inputs and its shape are known. */
type Operation = GraphNode extends infer Node
  ? Node extends GraphNode
    ? Omit<Node, 'inputs' | 'shape'>
    : never
  : never;

/**
 * Records a network as data, without creating tensors. Dropout is left out, as in evaluation.
 *
 * @param inputShape the shape of an input without the batch: `[height, width, channels]` or `[tokens]`
 * @throws RangeError if a layer does not fit its input, or keeps samples of earlier steps, which a graph cannot
 */
export function record(forward: Forward, inputShape: number[]): NetworkGraph {
  const net = new RecordingNet();
  const output = forward(net, { index: 0, shape: inputShape });
  const { nodes, taps } = net;
  return { version: 1, input: inputShape, nodes, output: output.index, taps };
}

class RecordingNet implements Net<Value> {
  readonly nodes: GraphNode[] = [];
  readonly taps: Record<string, number> = {};
  /** Computes and checks the shapes. */
  private readonly shapes = new TracingNet();

  conv(name: string, x: Value, options: ConvOptions): Value {
    const { kernel, stride = 1, padding = 0, bias = true } = options;
    const shape = this.shapes.conv(name, x.shape, options);
    return this.node({ op: 'conv', name, kernel, stride, padding, bias }, [x], shape);
  }

  depthwise(name: string, x: Value, options: DepthwiseOptions): Value {
    const { kernel, stride = 1, padding = 0, bias = false } = options;
    const shape = this.shapes.depthwise(name, x.shape, options);
    return this.node({ op: 'depthwise', name, kernel, stride, padding, ...(bias && { bias }) }, [x], shape);
  }

  enlarge(name: string, x: Value, options: EnlargeOptions): Value {
    const { factor, bias = true } = options;
    return this.node({ op: 'enlarge', name, factor, bias }, [x], this.shapes.enlarge(name, x.shape, options));
  }

  linear(name: string, x: Value, options: LinearOptions): Value {
    const { bias = true } = options;
    return this.node({ op: 'linear', name, bias }, [x], this.shapes.linear(name, x.shape, options));
  }

  batchNorm(name: string, x: Value, { epsilon = batchNormEpsilon }: BatchNormOptions = {}): Value {
    const shape = this.shapes.batchNorm(name, x.shape);
    return this.node({ op: 'batchNorm', name, epsilon }, [x], shape);
  }

  layerNorm(name: string, x: Value, { epsilon = 1e-5 }: { epsilon?: number } = {}): Value {
    return this.node({ op: 'layerNorm', name, epsilon }, [x], this.shapes.layerNorm(name, x.shape));
  }

  relu(x: Value): Value {
    return this.node({ op: 'relu' }, [x], this.shapes.relu(x.shape));
  }

  relu6(x: Value): Value {
    return this.node({ op: 'relu6' }, [x], this.shapes.relu6(x.shape));
  }

  gelu(x: Value): Value {
    return this.node({ op: 'gelu' }, [x], this.shapes.gelu(x.shape));
  }

  activate(x: Value, by: ActivationFunction): Value {
    return this.node({ op: 'activate', by }, [x], this.shapes.activate(x.shape, by));
  }

  maxPool(x: Value, { size, stride = size, padding = 0 }: MaxPoolingOptions): Value {
    const shape = this.shapes.maxPool(x.shape, { size, stride, padding });
    return this.node({ op: 'maxPool', size, stride, ...(padding > 0 && { padding }) }, [x], shape);
  }

  averagePool(x: Value, { size, stride = size }: PoolingOptions): Value {
    const shape = this.shapes.averagePool(x.shape, { size, stride });
    return this.node({ op: 'averagePool', size, stride }, [x], shape);
  }

  globalAveragePool(x: Value): Value {
    return this.node({ op: 'globalAveragePool' }, [x], this.shapes.globalAveragePool(x.shape));
  }

  meanMap(x: Value): Value {
    return this.node({ op: 'meanMap' }, [x], this.shapes.meanMap(x.shape));
  }

  flatten(x: Value): Value {
    return this.node({ op: 'flatten' }, [x], this.shapes.flatten(x.shape));
  }

  add(x: Value, y: Value): Value {
    return this.node({ op: 'add' }, [x, y], this.shapes.add(x.shape, y.shape));
  }

  multiply(x: Value, y: Value): Value {
    return this.node({ op: 'multiply' }, [x, y], this.shapes.multiply(x.shape, y.shape));
  }

  channelScale(name: string, x: Value, value: number): Value {
    return this.node({ op: 'channelScale', name }, [x], this.shapes.channelScale(name, x.shape, value));
  }

  scale(x: Value, factor: number): Value {
    return this.node({ op: 'scale', factor }, [x], this.shapes.scale(x.shape));
  }

  concat(maps: readonly Value[]): Value {
    return this.node({ op: 'concat' }, maps, this.shapes.concat(maps.map(({ shape }) => shape)));
  }

  slice(x: Value, range: { from: number; to: number }): Value {
    return this.node({ op: 'slice', ...range }, [x], this.shapes.slice(x.shape, range));
  }

  shuffle(x: Value, groups: number): Value {
    return this.node({ op: 'shuffle', groups }, [x], this.shapes.shuffle(x.shape, groups));
  }

  dropout(_name: string, x: Value): Value {
    return x;
  }

  dropPath(_name: string, x: Value): Value {
    return x;
  }

  tokens(x: Value): Value {
    return this.node({ op: 'tokens' }, [x], this.shapes.tokens(x.shape));
  }

  embedding(name: string, ids: Value, options: EmbeddingOptions): Value {
    return this.node({ op: 'embedding', name }, [ids], this.shapes.embedding(name, ids.shape, options));
  }

  prepend(name: string, x: Value, initial: Initializer): Value {
    return this.node({ op: 'prepend', name }, [x], this.shapes.prepend(name, x.shape, initial));
  }

  positions(name: string, x: Value, initial: Initializer): Value {
    return this.node({ op: 'positions', name }, [x], this.shapes.positions(name, x.shape, initial));
  }

  positionTable(name: string, x: Value, options: PositionTableOptions): Value {
    const shape = this.shapes.positionTable(name, x.shape, options);
    return this.node({ op: 'positionTable', name }, [x], shape);
  }

  segments(name: string, x: Value, ids: Value, options: SegmentOptions): Value {
    const shape = this.shapes.segments(name, x.shape, ids.shape, options);
    const { separator } = options;
    const ends = separator === undefined ? {} : { separator };
    return this.node({ op: 'segments', name, ...ends }, [x, ids], shape);
  }

  token(x: Value, index: number): Value {
    return this.node({ op: 'token', index }, [x], this.shapes.token(x.shape, index));
  }

  meanOfTokens(x: Value, mask?: Value): Value {
    const shape = this.shapes.meanOfTokens(x.shape, mask?.shape);
    return this.node({ op: 'meanOfTokens' }, mask === undefined ? [x] : [x, mask], shape);
  }

  present(ids: Value, padding: number): Value {
    return this.node({ op: 'present', padding }, [ids], this.shapes.present(ids.shape));
  }

  attention(
    name: string,
    q: Value,
    k: Value,
    v: Value,
    { heads, mask }: AttentionOptions<Value>,
  ): Attention<Value> {
    const masks = mask === undefined ? [] : [mask];
    const shapes = this.shapes.attention(name, q.shape, k.shape, v.shape, {
      heads,
      ...(mask !== undefined && { mask: mask.shape }),
    });
    return {
      output: this.node({ op: 'attention', heads }, [q, k, v, ...masks], shapes.output),
      scores: this.node({ op: 'attentionScores', heads }, [q, k, ...masks], shapes.scores),
    };
  }

  tap(name: string, x: Value): Value {
    this.shapes.tap(name, x.shape);
    this.taps[name] = x.index;
    return x;
  }

  shape(x: Value): number[] {
    return x.shape;
  }

  freeParameter(name: string, shape: number[], value: number): Value {
    return this.node({ op: 'freeParameter', name }, [], this.shapes.freeParameter(name, shape, value));
  }

  memory(name: string): Value {
    throw new RangeError(`${name} keeps samples of earlier steps, which only training can`);
  }

  private node(operation: Operation, inputs: readonly Value[], shape: number[]): Value {
    // The methods above pair each operation with its inputs, which the compiler cannot follow through the union.
    this.nodes.push({ ...operation, inputs: inputs.map(({ index }) => index), shape } as GraphNode);
    return { index: this.nodes.length, shape };
  }
}
