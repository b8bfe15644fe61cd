import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { isNative, isNativeGpu } from '../backends/native.ts';
import { convolution, toFloat32 } from './convolution.ts';

/** Processor instructions for bfloat16. Without any of them it is emulated, which is slower than float32. */
const instructions = ['avx512_bf16', 'amx_bf16'];

/** Returns why the engine cannot train in bfloat16, or null if it can. The engine must have started. */
export function bfloat16Refusal(): string | null {
  if (!isNative()) return 'only the TensorFlow engines support bfloat16 convolutions';
  if (!isNativeGpu() && !instructions.some((name) => processorFlags().includes(name))) {
    return `the processor has neither of the instructions ${instructions.join(' and ')}`;
  }
  try {
    tf.tidy(() => {
      const x = tf.ones<tf.Rank.R4>([1, 4, 4, 1]);
      const filter = tf.ones<tf.Rank.R4>([3, 3, 1, 1]);
      const options = { stride: 1, padding: 'same', precision: 'bfloat16' } as const;
      tf.grads((a, b) => tf.sum(toFloat32(convolution(a, b, undefined, options))))([x, filter]);
    });
    return null;
  } catch (error) {
    return `TensorFlow cannot compute in bfloat16: ${(error as Error).message.split('\n')[0]}`;
  }
}

/** Returns the flags that Linux lists for the first processor; empty on other systems. */
function processorFlags(): string[] {
  try {
    return /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1].trim().split(' ') ?? [];
  } catch {
    return [];
  }
}
