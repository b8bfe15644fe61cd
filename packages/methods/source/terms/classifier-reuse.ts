import { type Forward, type Net, pooledMap, trace, upTo } from '@distillery/engine';
import { weightSchema } from '@distillery/spec';
import { z } from 'zod';
import { meanSquaredError } from '../arithmetic.ts';
import { classifierOf } from '../classifier.ts';
import { atSmallerSize } from '../maps.ts';
import { tapPair } from '../taps.ts';
import { type Subject, type Term, TapError } from '../term.ts';

const options = z.strictObject({
  weight: weightSchema.default(1),
  student: z
    .string()
    .max(64)
    .optional()
    .describe(
      'Tap of the student that the projector reads. Defaults to the last map, or to "features" if the teacher\'s tap is a vector.',
    ),
  teacher: z
    .string()
    .max(64)
    .optional()
    .describe(
      'Tap of the teacher that its classifier reads: the map that it averages, or "features". Defaults to that map if there is one.',
    ),
  factor: z
    .number()
    .int()
    .min(1)
    .max(16)
    .default(2)
    .describe("Factor by which the projector's inner convolutions are narrower than the teacher's map."),
  rectify: z
    .boolean()
    .default(true)
    .describe(
      "Whether the projector ends in ReLU, as the teacher's maps do. Set false if the teacher's values can be negative.",
    ),
});

type Choice = z.output<typeof options>;

/** The names of the layers that the student gets, and of the tap between them. */
const [projector, classifier, projection] = ['projector', 'reused_classifier', 'projection'];

/**
 * Reused classifier: the student is cut at a tap; a projector P maps it to the teacher's last map or features, and the
 * teacher's frozen classifier gives the logits. P and the rest of the student learn mean (P(F_s) − F_t)² (SimKD: Chen
 * et al., 2022, arXiv:2203.14001). Cross-entropy is not needed beside it.
 *
 * Between maps, P is a bottleneck of 1×1, 3×3 and 1×1 convolutions, each with BatchNorm and ReLU; between vectors it is
 * a linear layer with BatchNorm and ReLU. Projector and classifier are part of the student: its weights, parameter
 * counts, speed and scores include them. If the student's map is larger than the teacher's, P reads its average-pooled
 * map; if it is smaller, the teacher's map is average-pooled for the comparison.
 */
export const classifierReuse: Term<typeof options> = {
  type: 'classifier_reuse',
  summary:
    "Ends the student in a projector and the teacher's frozen classifier, and matches the teacher's last map.",
  formula:
    "mean (P(F_s) − F_t)², P a trained projector, z_s = W_t·pool(P(F_s)) + b_t with the teacher's classifier, frozen",
  reference: 'https://arxiv.org/abs/2203.14001',
  options,
  extend(choice, student, teacher) {
    if (projection in student.plan.taps) {
      throw new TapError('', 'the student already ends in a reused classifier: use the term once', undefined);
    }
    const taps = pairOf(choice, student, teacher);
    const { shape, width } = targetOf(taps.teacher, teacher);
    const [classes] = teacher.plan.taps.logits;
    const head = classifierOf(
      Object.fromEntries(teacher.plan.parameters.map((parameter) => [parameter.name, parameter.shape])),
      width,
      classes,
    );
    if (head === undefined) {
      throw new TapError(
        '/teacher',
        `the teacher has no linear layer from its features [${width}] to its ${classes} classes`,
        choice.teacher,
      );
    }
    const from = student.plan.taps[taps.student];
    const pooling = poolingBetween(choice, taps, from, shape);
    const cut = upTo(student.forward, taps.student);
    const named = trace(cut, student.plan.inputShape).taps;
    const forward: Forward = (net, image) => {
      let x = cut(net, image);
      if (shape.length === 3) {
        if (pooling > 1) x = net.averagePool(x, { size: pooling });
        x = net.tap(projection, projectMap(net, x, width, choice));
        x = net.globalAveragePool(x);
        if (!('features' in named)) net.tap('features', x);
      } else {
        x = net.tap(projection, projectVector(net, x, width, choice));
      }
      const bias = head.bias.length > 0;
      return net.tap('logits', net.linear(classifier, x, { out: classes, bias, frozen: true }));
    };
    const inherited: Record<string, string> = { [`${classifier}.weight`]: head.weight };
    for (const name of head.bias) inherited[`${classifier}.bias`] = name;
    return { forward, inherited, options: { ...choice, ...taps } };
  },
  bind({ teacher = 'features' }) {
    // `extend` has filled in the options and given the student its projection.
    const taps = { student: projection, teacher };
    return {
      student: [taps.student],
      teacher: [taps.teacher],
      matching: true,
      auxiliary: {},
      loss(batch) {
        const [s, t] = [batch.student[taps.student], batch.teacher[taps.teacher]];
        return s.rank === 4 ? meanSquaredError(...atSmallerSize(s, t)) : meanSquaredError(s, t);
      },
    };
  },
};

/** Resolves the taps that the options name. */
function pairOf({ student: ours, teacher: theirs }: Choice, student: Subject, teacher: Subject) {
  const mapOf = ({ forward, plan }: Subject) => pooledMap(forward, plan.inputShape, 'features');
  const goal = theirs ?? mapOf(teacher) ?? penultimate(teacher);
  const isMap = teacher.plan.taps[goal]?.length === 3;
  // If this stays undefined, tapPair uses the last map.
  const source = ours ?? (isMap ? mapOf(student) : 'features');
  return tapPair({ student: source, teacher: goal }, student.plan.taps, teacher.plan.taps);
}

/** The vector that the teacher's classifier reads: the projection, if the teacher itself has a reused classifier. */
function penultimate({ plan }: Subject): string {
  return plan.taps[projection]?.length === 1 ? projection : 'features';
}

/**
 * Returns the shape that the projector must produce, without the batch axis, and the width of the classifier's input.
 *
 * @throws TapError if the teacher's classifier does not read that tap
 */
function targetOf(tap: string, { forward, plan }: Subject): { shape: number[]; width: number } {
  const shape = plan.taps[tap];
  const last = penultimate({ forward, plan });
  const allowed = [pooledMap(forward, plan.inputShape, 'features'), last].filter(
    (name) => name !== undefined && name in plan.taps,
  );
  if (!allowed.includes(tap)) {
    const message = `the teacher's classifier reads neither ${tap} [${shape}] nor its mean over positions`;
    throw new TapError('/teacher', message, tap, allowed);
  }
  return { shape, width: shape[shape.length - 1] };
}

/**
 * Returns the factor by which the student's map is larger than the teacher's; 1 if it is not larger, and for vectors.
 *
 * @throws TapError if one is a map and the other a vector, or if the larger map is not a multiple of the smaller
 */
function poolingBetween(
  choice: Choice,
  taps: { student: string; teacher: string },
  from: number[],
  to: number[],
): number {
  const [tall, wide] = [from[0] / to[0], from[1] / to[1]];
  const fits =
    from.length === to.length &&
    (to.length === 1 || (tall <= 1 && wide <= 1) || (tall === wide && Number.isInteger(tall)));
  if (fits) return to.length === 1 ? 1 : Math.max(1, tall);
  throw new TapError(
    '/student',
    `a projector cannot map the student's ${taps.student} [${from}] to the teacher's ${taps.teacher} [${to}]: ` +
      'both must be vectors, or maps of which the larger one is a multiple of the smaller',
    choice.student,
  );
}

function projectMap<T>(net: Net<T>, map: T, out: number, { factor, rectify }: Choice): T {
  const inner = Math.max(1, Math.floor(out / factor));
  const layers = [
    { out: inner, kernel: 1 },
    { out: inner, kernel: 3, padding: 1 },
    { out, kernel: 1 },
  ];
  // The numbers count BatchNorm and ReLU too, as PyTorch numbers the layers of a Sequential.
  return layers.reduce((x, shape, index) => {
    const y = net.conv(`${projector}.${3 * index}`, x, { ...shape, bias: false });
    const normalized = net.batchNorm(`${projector}.${3 * index + 1}`, y);
    return rectify || index < layers.length - 1 ? net.relu(normalized) : normalized;
  }, map);
}

function projectVector<T>(net: Net<T>, x: T, out: number, { rectify }: Choice): T {
  const y = net.batchNorm(`${projector}.1`, net.linear(`${projector}.0`, x, { out, bias: false }));
  return rectify ? net.relu(y) : y;
}
