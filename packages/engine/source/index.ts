export {
  compile,
  type Compiled,
  stepSetting,
  type TensorsIn,
} from './compiled/compile.ts';
export { readsVarying } from './compiled/recorder.ts';
export { feed, feedScalar } from './compiled/feed.ts';
export { detached, type Gradients, gradientsOf, unrecorded } from './gradients.ts';
export { initialValues } from './initialize.ts';
export { inputGradient } from './input-gradient.ts';
export { type Labels, probabilities, type Target, targetOf } from './labels.ts';
export { measureGigaflops } from './measure.ts';
export type { Precision } from './ops/convolution.ts';
export { logSoftmax, softmaxCrossEntropy } from './ops/softmax-cross-entropy.ts';
export {
  type ActivationFunction,
  type BatchNormOptions,
  type ConvOptions,
  type DepthwiseOptions,
  type Forward,
  type Initializer,
  type Net,
  type NetworkPlan,
  interchangeShape,
  type ParameterSpec,
  sizeOf,
} from './network.ts';
export { pooledMap, upTo } from './parts.ts';
export { createOptimizer, type Optimizer } from './optimizer/optimizer.ts';
export { RandomStream, randomStream } from './random.ts';
export { record } from './record.ts';
export { type RunOptions, type RunResult, run, type Tensors } from './run.ts';
export { type EngineName, engineNames, startEngine } from './backends/start.ts';
export { withoutSlope } from './tangent.ts';
export { trace } from './trace.ts';
