import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { isNative, isNativeGpu } from '../backends/native.ts';
import { convolution, toFloat32 } from './convolution.ts';

/** Names of the processor instructions without which bfloat16 is emulated, slower than float32. */
const instructions = ['avx512_bf16', 'amx_bf16'];

/**
 * Why this engine does not train in bfloat16; null where it does. Asked once, when the engine has started.
 */
export function bfloat16Refusal(): string | null {
  if (!isNative()) return 'no engine but TensorFlow has bfloat16 convolutions';
  if (!isNativeGpu() && !instructions.some((name) => processorFlags().includes(name))) {
    return `the processor has none of the instructions ${instructions.join(', ')}`;
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
    return `TensorFlow refuses: ${(error as Error).message.split('\n')[0]}`;
  }
}

/** What Linux says the first processor can do; empty elsewhere. */
function processorFlags(): string[] {
  try {
    return /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1].trim().split(' ') ?? [];
  } catch {
    return [];
  }
}
