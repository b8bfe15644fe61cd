import type { Forward, Net } from '@distillery/engine';
import type { Choice, Kind } from '@distillery/spec';
import type { z } from 'zod';

/** What a network is made for; the data set says it. */
export interface Task {
  classes: number;
  /** How many ids of tokens there are; absent where the inputs are images. */
  vocabulary?: number | undefined;
}

/** A network's definition: one file, one line in `index.ts`. */
export interface Architecture<Options extends z.ZodObject = z.ZodObject> extends Kind {
  readonly options: Options;
  /** What goes in: ids of tokens `[length]`, of which 0 is padding; images where absent. */
  readonly input?: 'text';
  /**
   * Computes logits `[classes]` from an image `[height, width, channels]` or a text `[length]`, naming taps on the way: `stage1`, `stage2`…
   * for maps, `stage1_pre`… for the same before their last ReLU where they end in one, `features` for the penultimate
   * vector, `logits`. The layers of a transformer (`encoder.ts`): `hidden1`…, `attention1`…, `queries1`…, `keys1`…,
   * `values1`…; terms go by these names.
   */
  forward<T>(net: Net<T>, x: T, options: z.output<Options>, task: Task): T;
}

/**
 * The definition with its options and task bound.
 *
 * @throws RangeError for texts where the network takes images, and the other way round
 */
export function bind(architecture: Architecture, choice: Choice, task: Task): Forward {
  const { type, input = 'image' } = architecture;
  const given = task.vocabulary === undefined ? 'image' : 'text';
  if (input !== given) throw new RangeError(`${type} takes ${input}s, and the data set holds ${given}s`);
  return (net, x) => architecture.forward(net, x, choice, task);
}
