import type { Store } from '@distillery/store';
import { randomStream, sizeOf } from '@distillery/engine';
import { rowFile, rowWriter } from '../outputs.ts';
import { storedTaps, type TeacherTaps } from '../teacher-taps.ts';

/**
 * Stores random numbers as a teacher's outputs for `count` samples, as the outputs stage does.
 *
 * @param shapes the shape of each tap, without the batch
 * @param distinct the number of rows; samples share them in turn
 */
export async function randomRows(
  store: Store,
  count: number,
  shapes: Readonly<Record<string, number[]>>,
  distinct = count,
): Promise<TeacherTaps> {
  const taps: Record<string, Awaited<ReturnType<typeof rowFile>>[]> = {};
  for (const [tap, shape] of Object.entries(shapes)) {
    const stream = randomStream(0, tap);
    const writer = rowWriter(store, shape);
    for (let row = 0; row < distinct; row++) {
      await writer.write(Float32Array.from({ length: sizeOf(shape) }, () => stream.normal()));
    }
    taps[tap] = [await rowFile(store, await writer.close())];
  }
  return storedTaps({ position: Int32Array.from({ length: count }, (_, i) => i % distinct), taps });
}
