import type { Store } from '@distillery/store';
import { randomStream } from '@distillery/engine';
import { everyIndex } from '../batches/batches.ts';
import { rowFile, rowWriter } from '../outputs.ts';
import { storedTaps, type TeacherTaps } from '../teacher-taps.ts';

/** Stores random numbers as a teacher's logits for `count` samples, as the outputs stage does. */
export async function randomLogits(store: Store, count: number, classes: number): Promise<TeacherTaps> {
  const stream = randomStream(0, 'logits');
  const writer = rowWriter(store, [classes]);
  await writer.write(Float32Array.from({ length: count * classes }, () => stream.normal()));
  return storedTaps({
    position: everyIndex(count),
    taps: { logits: [await rowFile(store, await writer.close())] },
  });
}
