import { isNative } from '../backends/native.ts';
import { registerAdd } from './add.ts';
import { registerBiasAdd } from './bias-add.ts';
import { registerConvolution } from './convolution.ts';
import { registerMatMul } from './mat-mul.ts';
import { probeMkl } from './mkl.ts';
import { registerRelu, registerReluGradient } from './relu.ts';
import { registerStep } from './step.ts';

/** Registers this package's kernels and gradients with the engine that has started; TensorFlow.js warns of a second call. */
export function registerKernels(): void {
  registerReluGradient();
  if (!isNative()) return;
  probeMkl();
  registerBiasAdd();
  registerRelu();
  registerStep();
  registerAdd();
  registerConvolution();
  registerMatMul();
}
