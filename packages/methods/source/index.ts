import { activationBoundary } from './terms/activation-boundary.ts';
import { attention } from './terms/attention.ts';
import { attentionHeads } from './terms/attention-heads.ts';
import { channelWise } from './terms/channel-wise.ts';
import { classifierReuse } from './terms/classifier-reuse.ts';
import { contrastive } from './terms/contrastive.ts';
import { correlation } from './terms/correlation.ts';
import { cosine } from './terms/cosine.ts';
import { crossEntropy } from './terms/cross-entropy.ts';
import { curriculumTemperature } from './terms/curriculum-temperature.ts';
import { decoupled } from './terms/decoupled.ts';
import { deitHard } from './terms/deit-hard.ts';
import { dist } from './terms/dist.ts';
import { factor } from './terms/factor.ts';
import { fsp } from './terms/fsp.ts';
import { gradient } from './terms/gradient.ts';
import { hiddenStates } from './terms/hidden-states.ts';
import { hint } from './terms/hint.ts';
import { jensenShannon } from './terms/jensen-shannon.ts';
import { maskedGeneration } from './terms/masked-generation.ts';
import { minilm } from './terms/minilm.ts';
import { multiLevel } from './terms/multi-level.ts';
import { termRegistry } from './needs.ts';
import { nst } from './terms/nst.ts';
import { overhaul } from './terms/overhaul.ts';
import { pkt } from './terms/pkt.ts';
import { review } from './terms/review.ts';
import { rkdAngle } from './terms/rkd-angle.ts';
import { rkdDistance } from './terms/rkd-distance.ts';
import { similarity } from './terms/similarity.ts';
import { softTarget } from './terms/soft-target.ts';
import { softmaxRegression } from './terms/softmax-regression.ts';
import { variational } from './terms/variational.ts';
import { weights } from './terms/weights.ts';

export { bindTerm } from './bind-term.ts';
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

/** Every distillation term. A new one is one file and one line here. */
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
