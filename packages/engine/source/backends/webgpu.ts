import * as tf from '@tensorflow/tfjs-core';

/**
 * Kernels that training needs and that the WebGPU backend (4.22) lacks or computes wrongly. Its reverse cumulative sums
 * and products run across the ends of rows, so the gradients of `cumsum` and `prod` are wrong; its gradient of max
 * pooling goes to the last maximum; `exp`, `log` and functions composed of them lose NaN, which a diverging run must
 * report.
 */

/** Registers the kernels. The backend must have started, because some kernels use the stock ones. */
export function registerWebgpuKernels(): void {
  tf.registerKernel({
    kernelName: 'ReluGrad',
    backendName: 'webgpu',
    kernelFunc: ({ backend, inputs }) => {
      const { dy, y } = inputs as Record<string, tf.Tensor>;
      return runProgram(backend, reluGradient(y.shape), [dy, y]);
    },
  });
  override(tf.MaxPoolGrad, ({ backend, inputs, attrs }) => {
    const { filterSize, strides, pad, dimRoundingMode } = attrs as unknown as PoolAttributes;
    const { input: x, dy } = inputs as Record<string, tf.Tensor4D>;
    const info = tf.backend_util.computePool2DInfo(x.shape, filterSize, strides, 1, pad, dimRoundingMode);
    const vectors = [
      [info.effectiveFilterHeight, info.effectiveFilterWidth],
      [info.strideHeight, info.strideWidth],
      [info.padInfo.top, info.padInfo.left],
    ];
    return runProgram(
      backend,
      maxPoolGradient(x.shape),
      [x, dy],
      vectors.map((data) => ({ type: 'int32', data })),
    );
  });
  for (const [kernelName, accumulate] of [
    [tf.Cumsum, tf.cumsum],
    [tf.Cumprod, tf.cumprod],
  ] as const) {
    override(kernelName, (call, stock) => {
      const { axis, exclusive, reverse } = call.attrs as unknown as AccumulateAttributes;
      if (!reverse) return stock(call);
      return tf.tidy(() =>
        tf.reverse(accumulate(tf.reverse(call.inputs.x as tf.Tensor, axis), axis, exclusive), axis),
      );
    });
  }
  for (const [kernelName, body] of Object.entries(unary)) {
    override(kernelName, ({ backend, inputs }) => {
      const { x } = inputs as Record<string, tf.Tensor>;
      return runProgram(backend, elementwise(kernelName, x.shape, body), [x]);
    });
  }
}

type Kernel = tf.KernelConfig['kernelFunc'];

function override(
  kernelName: string,
  kernelFunc: (call: Parameters<Kernel>[0], stock: Kernel) => ReturnType<Kernel>,
): void {
  const stock = tf.getKernel(kernelName, 'webgpu');
  tf.unregisterKernel(kernelName, 'webgpu');
  tf.registerKernel({ ...stock, kernelFunc: (call) => kernelFunc(call, stock.kernelFunc) });
}

/** The attributes of cumsum and cumprod. */
interface AccumulateAttributes {
  axis: number;
  exclusive: boolean;
  reverse: boolean;
}

/** Formulas in WGSL of functions of one number `a`. The last two avoid powers of e that could overflow. */
const unary: Record<string, string> = {
  [tf.Exp]: 'exp(a)',
  [tf.Log]: 'select(select(log(a), uniforms.NAN, a < 0.0), -uniforms.INFINITY, a == 0.0)',
  [tf.Sigmoid]: 'select(1.0, exp(-abs(a)), a < 0.0) / (1.0 + exp(-abs(a)))',
  // In log(1 + e) the sum loses a small e; two terms of the series are exact to a millionth there.
  [tf.Softplus]: `max(a, 0.0)
    + select(log(1.0 + exp(-abs(a))), exp(-abs(a)) * (1.0 - 0.5 * exp(-abs(a))), exp(-abs(a)) < 1e-3)`,
};

/** The attributes of a pooling. */
interface PoolAttributes {
  filterSize: number | [number, number];
  strides: number | [number, number];
  pad: Parameters<typeof tf.backend_util.computePool2DInfo>[4];
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/** A program of the backend: one invocation for each element of the output. */
interface Program {
  variableNames: string[];
  /** Declarations of the uniforms that `runProgram` receives beside the inputs. */
  uniforms?: string;
  outputShape: number[];
  /** Programs with the same key are compiled once. */
  shaderKey: string;
  /** Statements in WGSL that compute `value` of the element at `index`. */
  body: string;
}

interface Uniform {
  type: 'int32' | 'float32';
  data: number[];
}

function runProgram(
  backend: unknown,
  { body, ...program }: Program,
  inputs: tf.TensorInfo[],
  uniforms: Uniform[] = [],
): tf.TensorInfo {
  const threads = 64;
  return (backend as ProgramRunner).runWebGPUProgram(
    {
      ...program,
      size: true,
      workgroupSize: [threads, 1, 1],
      dispatchLayout: { x: program.outputShape.map((_, axis) => axis) },
      dispatch: [Math.ceil(tf.util.sizeFromShape(program.outputShape) / threads), 1, 1],
      getUserCode: () => `
        fn main(index : i32) {
          if (index < uniforms.size) {
            ${body}
            setOutputAtIndex(index, value);
          }
        }`,
    },
    inputs,
    'float32',
    uniforms,
  );
}

interface ProgramRunner {
  runWebGPUProgram(
    program: object,
    inputs: tf.TensorInfo[],
    dtype: tf.DataType,
    uniforms: Uniform[],
  ): tf.TensorInfo;
}

/** Applies a formula to each number and keeps NaN, for which the GPU's functions may return anything. */
function elementwise(name: string, outputShape: number[], formula: string): Program {
  return {
    variableNames: ['x'],
    outputShape,
    shaderKey: `distillery${name}`,
    body: `
      let a = getXByOutputIndex(index);
      let value = select(${formula}, a, isnan(a));`,
  };
}

/** Returns dy where y > 0, else 0, in one pass instead of three for a comparison, a cast and a product. */
function reluGradient(outputShape: number[]): Program {
  return {
    variableNames: ['dy', 'y'],
    outputShape,
    shaderKey: 'distilleryReluGradient',
    body: 'let value = select(0.0, getDyByOutputIndex(index), getYByOutputIndex(index) > 0.0);',
  };
}

/**
 * Computes the gradient of max pooling: the first maximum of a window, in row-major order, gets the whole gradient of
 * the window, as in TensorFlow and PyTorch (the backend's kernel gives it to the last). Each pixel checks for every
 * window that contains it whether it is the first maximum. All divisions are integer divisions.
 *
 * x `[batch, height, width, channels]`, dy `[batch, height', width', channels]`
 */
function maxPoolGradient(outputShape: number[]): Program {
  return {
    variableNames: ['x', 'dy'],
    uniforms: 'extent : vec2<i32>, strides : vec2<i32>, padding : vec2<i32>,',
    outputShape,
    shaderKey: 'distilleryMaxPoolGradient',
    body: `
      let at = getCoordsFromIndex(index);
      let own = getX(at.x, at.y, at.z, at.w);
      // The position of the pixel in the padded image, and the windows that contain it.
      let pixel = at.yz + uniforms.padding;
      let first = max(pixel - uniforms.extent + uniforms.strides, vec2<i32>(0)) / uniforms.strides;
      let last = min(pixel / uniforms.strides, uniforms.dyShape.yz - 1);
      var value = 0.0;
      for (var row = first.x; row <= last.x; row++) {
        for (var column = first.y; column <= last.y; column++) {
          let corner = vec2<i32>(row, column) * uniforms.strides - uniforms.padding;
          var isMaximum = true;
          for (var p = max(corner.x, 0); p < min(corner.x + uniforms.extent.x, uniforms.xShape.y); p++) {
            for (var q = max(corner.y, 0); q < min(corner.y + uniforms.extent.y, uniforms.xShape.z); q++) {
              let other = getX(at.x, p, q, at.w);
              let isBefore = p < at.y || (p == at.y && q < at.z);
              isMaximum = isMaximum && !(other > own || (isBefore && other == own));
            }
          }
          if (isMaximum) {
            value += getDy(at.x, row, column, at.w);
          }
        }
      }`,
  };
}
