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
    .describe("the student's tap that the projector takes; default: its last map, or features for features"),
  teacher: z
    .string()
    .max(64)
    .optional()
    .describe(
      "the map whose mean the teacher's classifier takes, or features; default: the map where there is one",
    ),
  factor: z
    .number()
    .int()
    .min(1)
    .max(16)
    .default(2)
    .describe("how many times narrower than the teacher's map the projector is inside"),
  rectify: z
    .boolean()
    .default(true)
    .describe("end the projector in ReLU, as the teacher's maps do; false for those that can be negative"),
});

type Choice = z.output<typeof options>;

/** What the student is given, by these names. */
const [projector, classifier, projection] = ['projector', 'reused_classifier', 'projection'];

/**
 * Reused classifier: the student is cut off at a tap, from which a projector P leads to the teacher's last map or
 * features, and then through the teacher's own classifier, frozen, to the logits; P and what is left of the student
 * learn mean (P(F_s) − F_t)² (SimKD: Chen et al., 2022, arXiv:2203.14001). It can do without cross-entropy.
 *
 * Between maps P is a bottleneck of 1×1, 3×3 and 1×1 convolutions, each with BatchNorm and ReLU; between vectors a linear
 * layer with both. Projector and classifier belong to the student: its weights, counts, speed and scores are of all of
 * it. Where the student's map is the larger one, P takes its means; where it is the smaller one, it is held against the
 * teacher's means.
 */
export const classifierReuse: Term<typeof options> = {
  type: 'classifier_reuse',
  summary:
    "A student that ends in a projector and the teacher's classifier, and learns the teacher's last map",
  formula:
    "mean (P(F_s) − F_t)², P a trained projector, z_s = W_t·pool(P(F_s)) + b_t with the teacher's classifier, frozen",
  reference: 'https://arxiv.org/abs/2203.14001',
  options,
  extend(choice, student, teacher) {
    if (projection in student.plan.taps) {
      throw new TapError('', 'the student ends in a reused classifier already', undefined);
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
    // What `extend` made of the options and the student.
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

/** The taps that options name, with defaults filled in. */
function pairOf({ student: ours, teacher: theirs }: Choice, student: Subject, teacher: Subject) {
  const mapOf = ({ forward, plan }: Subject) => pooledMap(forward, plan.inputShape, 'features');
  const goal = theirs ?? mapOf(teacher) ?? penultimate(teacher);
  const isMap = teacher.plan.taps[goal]?.length === 3;
  // Left open, tapPair takes the last map.
  const source = ours ?? (isMap ? mapOf(student) : 'features');
  return tapPair({ student: source, teacher: goal }, student.plan.taps, teacher.plan.taps);
}

/** The vector that the classifier takes: a projection in a teacher that has a reused classifier itself. */
function penultimate({ plan }: Subject): string {
  return plan.taps[projection]?.length === 1 ? projection : 'features';
}

/** The shape of what the projector is to give, and how wide the classifier's input is. */
function targetOf(tap: string, { forward, plan }: Subject): { shape: number[]; width: number } {
  const shape = plan.taps[tap];
  const last = penultimate({ forward, plan });
  const allowed = [pooledMap(forward, plan.inputShape, 'features'), last].filter(
    (name) => name !== undefined && name in plan.taps,
  );
  if (!allowed.includes(tap)) {
    const message = `the teacher's classifier takes neither its ${tap} [${shape}] nor the mean of it`;
    throw new TapError('/teacher', message, tap, allowed);
  }
  return { shape, width: shape[shape.length - 1] };
}

/** How many times larger the student's map is; 1 where it is not, and for vectors. */
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
    `a projector cannot bring the student's ${taps.student} [${from}] to the teacher's ${taps.teacher} [${to}]: ` +
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
  // Numbered with their BatchNorm and ReLU, as PyTorch numbers a Sequential.
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
