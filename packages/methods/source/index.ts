import { activationBoundary } from './activation-boundary.ts';
import { attention } from './attention.ts';
import { attentionHeads } from './attention-heads.ts';
import { channelWise } from './channel-wise.ts';
import { classifierReuse } from './classifier-reuse.ts';
import { contrastive } from './contrastive.ts';
import { correlation } from './correlation.ts';
import { cosine } from './cosine.ts';
import { crossEntropy } from './cross-entropy.ts';
import { curriculumTemperature } from './curriculum-temperature.ts';
import { decoupled } from './decoupled.ts';
import { deitHard } from './deit-hard.ts';
import { dist } from './dist.ts';
import { factor } from './factor.ts';
import { fsp } from './fsp.ts';
import { gradient } from './gradient.ts';
import { hiddenStates } from './hidden-states.ts';
import { hint } from './hint.ts';
import { jensenShannon } from './jensen-shannon.ts';
import { maskedGeneration } from './masked-generation.ts';
import { minilm } from './minilm.ts';
import { multiLevel } from './multi-level.ts';
import { termRegistry } from './needs.ts';
import { nst } from './nst.ts';
import { overhaul } from './overhaul.ts';
import { pkt } from './pkt.ts';
import { review } from './review.ts';
import { rkdAngle } from './rkd-angle.ts';
import { rkdDistance } from './rkd-distance.ts';
import { similarity } from './similarity.ts';
import { softTarget } from './soft-target.ts';
import { softmaxRegression } from './softmax-regression.ts';
import { variational } from './variational.ts';
import { weights } from './weights.ts';

export {
  type Auxiliary,
  type BoundTerm,
  type ParameterShapes,
  type Pretraining,
  TapError,
  type Subject,
  type TapShapes,
  type Term,
  type TermBatch,
  type TermChoice,
} from './term.ts';

/** Every distillation term; a new one is a file and a line here. */
export const terms = termRegistry([
  crossEntropy,
  softTarget,
  decoupled,
  dist,
  jensenShannon,
  cosine,
  hint,
  attention,
  fsp,
  rkdDistance,
  rkdAngle,
  similarity,
  pkt,
  nst,
  correlation,
  contrastive,
  activationBoundary,
  overhaul,
  variational,
  review,
  channelWise,
  maskedGeneration,
  deitHard,
  multiLevel,
  curriculumTemperature,
  softmaxRegression,
  factor,
  classifierReuse,
  gradient,
  weights,
  attentionHeads,
  hiddenStates,
  minilm,
]);
