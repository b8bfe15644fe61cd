import { isNative } from '../backends/native.ts';
import { registerAdd } from './add.ts';
import { registerBiasAdd } from './bias-add.ts';
import { registerConvolution } from './convolution.ts';
import { registerGather } from './gather.ts';
import { registerKinkGradients } from './kinks.ts';
import { registerMatMul } from './mat-mul.ts';
import { probeMkl } from './mkl.ts';
import { registerRelu, registerReluGradient } from './relu.ts';
import { registerStep } from './step.ts';

/** Registers the kernels and gradients of this package. Call it once, after the engine has started. */
export function registerKernels(): void {
  registerReluGradient();
  registerKinkGradients();
  if (!isNative()) return;
  probeMkl();
  registerBiasAdd();
  registerRelu();
  registerStep();
  registerAdd();
  registerConvolution();
  registerMatMul();
  registerGather();
}
