import { type Forward, sizeOf, trace } from '@distillery/engine';
import { type CatalogueEntry, type Registry, registry } from '@distillery/spec';
import { bindTerm } from './bind-term.ts';
import type { BoundTerm, ParameterShapes, Subject, TapShapes, Term } from './term.ts';

type Needs = Required<Pick<CatalogueEntry, 'needs' | 'trains'>>;

/** Builds a registry of terms whose catalogue lists, for each term, what it reads and which networks it trains. */
export function termRegistry(terms: readonly Term[]): Registry<Term> {
  return registry(terms, 'type', needsOf);
}

/** Two minimal networks with the tap names that architectures use: a convolutional one and a transformer. */
const samples: ((width: number) => Forward)[] = [
  (width) => (net, image) => {
    let x = image;
    for (const stage of [1, 2]) {
      const shape = { out: stage * width, kernel: 3, padding: 1, stride: stage };
      const y = net.batchNorm(`bn${stage}`, net.conv(`conv${stage}`, x, shape));
      x = net.tap(`stage${stage}`, net.relu(net.tap(`stage${stage}_pre`, y)));
    }
    const features = net.tap('features', net.globalAveragePool(x));
    return net.tap('logits', net.linear('head', features, { out: classes }));
  },
  (width) => (net, image) => {
    let x = net.tokens(net.conv('patch', image, { out: width, kernel: 4, stride: 4 }));
    for (const layer of [1, 2]) {
      const [q, k, v] = ['queries', 'keys', 'values'].map((part) =>
        net.tap(`${part}${layer}`, net.linear(`${part}${layer}`, x, { out: width })),
      );
      const { output, scores } = net.attention(`attention${layer}`, q, k, v, { heads: 2 });
      net.tap(`attention${layer}`, scores);
      x = net.tap(`hidden${layer}`, net.add(x, output));
    }
    const features = net.tap('features', net.token(x, 0));
    return net.tap('logits', net.linear('head', features, { out: classes }));
  },
];

const [image, classes] = [[8, 8, 3], 10];

/**
 * Finds what a term reads by default and which networks it trains, by binding it twice: to a student half as wide as
 * its teacher, and to a student of the same width. Networks that appear only in the first are trained where widths
 * differ.
 */
function needsOf(term: Term): Needs {
  const narrow = boundOf(term, 8, 16);
  const [always, sometimes] = [trainedBy(boundOf(term, 16, 16)), trainedBy(narrow)];
  return {
    needs: readBy(narrow),
    trains: sometimes.map((name) => (always.includes(name) ? name : `${name}, where widths differ`)),
  };
}

interface Fitted {
  bound: BoundTerm;
  /** Trained layers that the term adds to the student, and whether it also copies layers of the teacher. */
  added: { trained: string[]; inherited: boolean };
}

/**
 * Binds a term to the first of the sample networks that it fits.
 *
 * @throws AggregateError if it fits none of them
 */
function boundOf(term: Term, student: number, teacher: number): Fitted {
  const errors: unknown[] = [];
  for (const sample of samples) {
    const [given, theirs] = [student, teacher].map((width) => subject(sample(width)));
    try {
      const extended = term.extend?.(term.options.parse({}), given, theirs);
      const ours = extended === undefined ? given : subject(extended.forward);
      const parameters = { student: parametersOf(ours), teacher: parametersOf(theirs) };
      const before = parametersOf(given);
      return {
        bound: bindTerm(
          term,
          extended?.options ?? term.options.parse({}),
          { taps: tapsOf(ours), parameters: parameters.student },
          { taps: tapsOf(theirs), parameters: parameters.teacher },
        ),
        added: {
          trained: Object.keys(parameters.student).filter((name) => !(name in before)),
          inherited: extended !== undefined && Object.keys(extended.inherited).length > 0,
        },
      };
    } catch (error) {
      errors.push(error);
    }
  }
  throw new AggregateError(errors, `${term.type} fits none of the sample networks in needs.ts`);
}

function subject(forward: Forward): Subject {
  return { forward, plan: trace(forward, image) };
}

/** The network's taps, and the gradient with respect to its input, which is a tap that no layer names. */
function tapsOf({ plan }: Subject): TapShapes {
  return { ...plan.taps, input_gradient: [sizeOf(image)] };
}

function parametersOf({ plan }: Subject): ParameterShapes {
  return Object.fromEntries(
    plan.parameters.filter((p) => p.trainable).map(({ name, shape }) => [name, shape]),
  );
}

/** What belongs to the labels, where a job has it. */
const ofLabels: readonly string[] = ['mixed', 'labelled', 'classWeights'];

/** Descriptions of taps, by name without the number, and of other fields of a batch. */
const words: Record<string, string> = {
  stage: 'maps',
  stage_pre: 'maps before ReLU',
  attention: 'attention scores',
  hidden: 'hidden states',
  input_gradient: 'input gradients',
  indices: 'sample indices',
};

function kindsOf(taps: readonly string[]): string[] {
  const kinds = taps.map((tap) => tap.replace(/\d+/, ''));
  return [...new Set(kinds.map((kind) => words[kind] ?? kind))];
}

function readBy({ bound, added }: Fitted): string[] {
  const { student, teacher, studentParameters, teacherParameters = [], reads = [] } = bound;
  const read = (taps: readonly string[], parameters: readonly string[] = []) => [
    ...kindsOf(taps),
    ...(parameters.length > 0 ? ['parameters'] : []),
  ];
  const ours = read(student, studentParameters);
  const theirs = read(teacher, added.inherited ? ['inherited'] : teacherParameters);
  return [
    ...ours.filter((kind) => theirs.includes(kind)),
    ...ours.filter((kind) => !theirs.includes(kind)).map((kind) => `the student's ${kind}`),
    ...theirs.filter((kind) => !ours.includes(kind)).map((kind) => `the teacher's ${kind}`),
    ...kindsOf(reads.filter((field) => !ofLabels.includes(field))),
  ];
}

/** The names of the networks and layers with parameters that a term adds, without stage numbers. */
function trainedBy({ bound, added }: Fitted): string[] {
  const trained = Object.entries(bound.auxiliary).flatMap(([name, { forward, inputShape }]) =>
    trace(forward, inputShape).parameterCount > 0 ? [name.replace(/\d+$/, '')] : [],
  );
  return [...new Set([...trained, ...added.trained.map((name) => name.split('.')[0])])];
}
