import { registry } from '@distillery/spec';
import { cosine } from './cosine.ts';
import { crossEntropy } from './cross-entropy.ts';
import { hint } from './hint.ts';
import { softTarget } from './soft-target.ts';
import type { Term } from './term.ts';

export {
  type Auxiliary,
  type BoundTerm,
  TapError,
  type TapShapes,
  type Term,
  type TermBatch,
  type TermChoice,
} from './term.ts';

/** Every distillation term; a new one is a file and a line here. */
export const terms = registry<Term>([crossEntropy, softTarget, cosine, hint]);
