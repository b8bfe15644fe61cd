import type { Forward, Net } from '@distillery/engine';
import type { Choice, Kind } from '@distillery/spec';
import type { z } from 'zod';

/** The task that a network must solve, as the data set defines it. */
export interface Task {
  classes: number;
  /** The number of token ids; present if the inputs are texts. */
  vocabulary?: number | undefined;
  /** What the inputs are. Default: texts where there is a vocabulary, else images. */
  input?: Input;
}

/** An image `[height, width, channels]`, a text of token ids `[length]`, where 0 is padding, or numbers `[columns]`. */
type Input = 'image' | 'text' | 'table';

/** The definition of a network. Each architecture is one file and one line in `index.ts`. */
export interface Architecture<Options extends z.ZodObject = z.ZodObject> extends Kind {
  readonly options: Options;
  /** The inputs that it takes. Default: images alone. */
  readonly inputs?: readonly Input[];
  /**
   * Computes logits `[classes]` from an image, a text or numbers, and names taps on the
   * way. Terms find them by these names: `stage1`, `stage2`… are maps, `stage1_pre`… the same maps before their last
   * ReLU if they end in one, `features` is the vector before the classifier, and `logits` the result. The layers of a
   * transformer (`encoder.ts`) name `hidden1`…, `attention1`…, `queries1`…, `keys1`… and `values1`….
   */
  forward<T>(net: Net<T>, x: T, options: z.output<Options>, task: Task): T;
}

/**
 * Binds a definition to its options and task.
 *
 * @throws RangeError if the data set holds inputs that the network does not take
 */
export function bind(architecture: Architecture, choice: Choice, task: Task): Forward {
  const { type, inputs = ['image'] } = architecture;
  const given = task.input ?? (task.vocabulary === undefined ? 'image' : 'text');
  if (!inputs.includes(given)) {
    const expected = inputs.map((input) => `${input}s`).join(' or ');
    throw new RangeError(`${type} expects ${expected}, but the data set holds ${given}s`);
  }
  return (net, x) => architecture.forward(net, x, choice, task);
}
