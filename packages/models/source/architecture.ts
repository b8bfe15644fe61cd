import type { Forward, Net } from '@distillery/engine';
import type { Choice, Kind } from '@distillery/spec';
import type { z } from 'zod';

/** A network's definition: one file, one line in `index.ts`. */
export interface Architecture<Options extends z.ZodObject = z.ZodObject> extends Kind {
  readonly options: Options;
  /**
   * Computes logits `[classes]` from an image `[height, width, channels]`, naming taps on the way: `stage1`, `stage2`…
   * for maps, `stage1_pre`… for the same before their last ReLU where they end in one, `features` for the penultimate
   * vector, `logits`. The layers of a transformer (`encoder.ts`): `hidden1`…, `attention1`…, `queries1`…, `keys1`…,
   * `values1`…; terms go by these names.
   */
  forward<T>(net: Net<T>, x: T, options: z.output<Options>, classes: number): T;
}

/** The definition with its options and classes bound. */
export function bind(architecture: Architecture, choice: Choice, classes: number): Forward {
  return (net, x) => architecture.forward(net, x, choice, classes);
}
