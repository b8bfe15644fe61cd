import type { Forward, Net } from '@distillery/engine';
import type { Choice, Kind } from '@distillery/spec';
import type { z } from 'zod';

/** The task that a network must solve, as the data set defines it. */
export interface Task {
  classes: number;
  /** The number of token ids; absent if the inputs are images. */
  vocabulary?: number | undefined;
}

/** The definition of a network. Each architecture is one file and one line in `index.ts`. */
export interface Architecture<Options extends z.ZodObject = z.ZodObject> extends Kind {
  readonly options: Options;
  /** Set if the input is a text of token ids, `[length]`, where 0 is padding. Absent if the input is an image. */
  readonly input?: 'text';
  /**
   * Computes logits `[classes]` from an image `[height, width, channels]` or a text `[length]`, and names taps on the
   * way. Terms find them by these names: `stage1`, `stage2`… are maps, `stage1_pre`… the same maps before their last
   * ReLU if they end in one, `features` is the vector before the classifier, and `logits` the result. The layers of a
   * transformer (`encoder.ts`) name `hidden1`…, `attention1`…, `queries1`…, `keys1`… and `values1`….
   */
  forward<T>(net: Net<T>, x: T, options: z.output<Options>, task: Task): T;
}

/**
 * Binds a definition to its options and task.
 *
 * @throws RangeError if the network expects images and the data set holds texts, or the reverse
 */
export function bind(architecture: Architecture, choice: Choice, task: Task): Forward {
  const { type, input = 'image' } = architecture;
  const given = task.vocabulary === undefined ? 'image' : 'text';
  if (input !== given) throw new RangeError(`${type} expects ${input}s, but the data set holds ${given}s`);
  return (net, x) => architecture.forward(net, x, choice, task);
}
