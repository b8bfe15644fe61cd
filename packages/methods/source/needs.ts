import { type Forward, sizeOf, trace } from '@distillery/engine';
import { type CatalogueEntry, type Registry, registry } from '@distillery/spec';
import type { BoundTerm, ParameterShapes, Subject, TapShapes, Term } from './term.ts';

type Needs = Required<Pick<CatalogueEntry, 'needs' | 'trains'>>;

/** A registry of terms, whose catalogue tells of each what it needs. */
export function termRegistry(terms: readonly Term[]): Registry<Term> {
  return registry(terms, 'type', needsOf);
}

/** Networks as small as can be, with the taps that architectures name: one of convolutions, one of attention. */
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
 * What a term reads by default, and which networks it trains, found by binding it: to a student half as wide as its
 * teacher, and to one of the same width.
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
  /** Layers that the term gives the student, and whether they come from the teacher. */
  added: { trained: string[]; inherited: boolean };
}

/** Bound to the first of the samples that it fits. */
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
        bound: term.bind(
          extended?.options ?? term.options.parse({}),
          tapsOf(ours),
          tapsOf(theirs),
          parameters,
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
  throw new AggregateError(errors, `${term.type} fits none of the networks that needs.ts knows`);
}

function subject(forward: Forward): Subject {
  return { forward, plan: trace(forward, image) };
}

/** A classifier's gradient by its input is a tap, too, though no layer names it. */
function tapsOf({ plan }: Subject): TapShapes {
  return { ...plan.taps, input_gradient: [sizeOf(image)] };
}

function parametersOf({ plan }: Subject): ParameterShapes {
  return Object.fromEntries(
    plan.parameters.filter((p) => p.trainable).map(({ name, shape }) => [name, shape]),
  );
}

/** The words for taps, by their names without the number, and for what else is in a batch. */
const words: Record<string, string> = {
  stage: 'maps',
  stage_pre: 'maps from before ReLU',
  attention: 'attention scores',
  hidden: 'hidden states',
  input_gradient: 'gradients by the input',
  indices: 'the sample index',
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
    ...kindsOf(reads),
  ];
}

/** Names of the networks and layers that it adds and that have parameters, without the number of a stage. */
function trainedBy({ bound, added }: Fitted): string[] {
  const trained = Object.entries(bound.auxiliary).flatMap(([name, { forward, inputShape }]) =>
    trace(forward, inputShape).parameterCount > 0 ? [name.replace(/\d+$/, '')] : [],
  );
  return [...new Set([...trained, ...added.trained.map((name) => name.split('.')[0])])];
}
