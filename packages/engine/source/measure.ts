import * as tf from '@tensorflow/tfjs-core';

/**
 * The speed of the engine on a 3×3 convolution of 64 channels, in 10⁹ floating-point operations a second: the median
 * of a few runs, about a tenth of a second in all. Plans estimate a job's time with it.
 */
export function measureGigaflops(): number {
  const [batch, size, channels] = [32, 16, 64];
  const x = tf.ones<tf.Rank.R4>([batch, size, size, channels]);
  const w = tf.ones<tf.Rank.R4>([3, 3, channels, channels]);
  const times: number[] = [];
  for (let i = 0; i < 7; i++) {
    const begun = performance.now();
    const y = tf.conv2d(x, w, 1, 'same');
    y.dataSync();
    y.dispose();
    times.push(performance.now() - begun);
  }
  tf.dispose([x, w]);
  const median = times.sort((a, b) => a - b)[times.length >> 1];
  return (2 * batch * size * size * 9 * channels * channels) / median / 1e6;
}
