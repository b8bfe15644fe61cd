import type { RandomStream } from '@distillery/engine/random';
import type { Bytes, Change, Ids } from './transform.ts';

/**
 * Returns a function that applies changes one after the other. They share the stream of the sample, so that the numbers of
 * each depend on those before it. Two buffers hold the results in turn.
 *
 * @param buffer creates a buffer for one sample
 */
export function composed<Sample extends Bytes | Ids>(
  changes: readonly Change<Sample>[],
  buffer: () => Sample,
): (sample: Sample, stream: RandomStream) => Sample {
  const buffers = [buffer(), buffer()];
  return (sample, stream) => {
    let from = sample;
    changes.forEach((change, i) => {
      const into = buffers[i % 2];
      change(from, stream, into);
      from = into;
    });
    return from;
  };
}
