import { trace } from '@distillery/engine';
import { type CatalogueEntry, type Registry, registry } from '@distillery/spec';
import type { BoundTerm, ParameterShapes, TapShapes, Term } from './term.ts';

type Needs = Required<Pick<CatalogueEntry, 'needs' | 'trains'>>;

/** A registry of terms, whose catalogue tells of each what it needs. */
export function termRegistry(terms: readonly Term[]): Registry<Term> {
  return registry(terms, 'type', needsOf);
}

interface Sample {
  taps: TapShapes;
  parameters: ParameterShapes;
}

/** Networks as small as can be, with the taps that architectures name; one of convolutions, one of attention. */
const samples: ((width: number) => Sample)[] = [
  (width) =>
    sample(4 * width, {
      stage1_pre: [8, 8, width],
      stage1: [8, 8, width],
      stage2_pre: [4, 4, 2 * width],
      stage2: [4, 4, 2 * width],
    }),
  (width) =>
    sample(width, {
      ...layer(1, width),
      ...layer(2, width),
    }),
];

const classes = 10;

function sample(features: number, taps: TapShapes): Sample {
  return {
    taps: { ...taps, features: [features], logits: [classes], input_gradient: [12] },
    parameters: { 'inner.weight': [3, 4], 'head.weight': [features, classes], 'head.bias': [classes] },
  };
}

function layer(index: number, width: number): TapShapes {
  const [heads, tokens] = [2, 5];
  return {
    [`queries${index}`]: [tokens, width],
    [`keys${index}`]: [tokens, width],
    [`values${index}`]: [tokens, width],
    [`attention${index}`]: [heads, tokens, tokens],
    [`hidden${index}`]: [tokens, width],
  };
}

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

/** Bound to the first of the samples that it fits. */
function boundOf(term: Term, student: number, teacher: number): BoundTerm {
  const errors: unknown[] = [];
  for (const network of samples) {
    const [ours, theirs] = [network(student), network(teacher)];
    try {
      return term.bind(term.options.parse({}), ours.taps, theirs.taps, {
        student: ours.parameters,
        teacher: theirs.parameters,
      });
    } catch (error) {
      errors.push(error);
    }
  }
  throw new AggregateError(errors, `${term.type} fits none of the networks that needs.ts knows`);
}

/** The words for taps, by their names without the number. */
const words: Record<string, string> = {
  stage: 'maps',
  stage_pre: 'maps from before ReLU',
  attention: 'attention scores',
  hidden: 'hidden states',
  input_gradient: 'gradients by the input',
};

function kindsOf(taps: readonly string[]): string[] {
  const kinds = taps.map((tap) => tap.replace(/\d+/, ''));
  return [...new Set(kinds.map((kind) => words[kind] ?? kind))];
}

function readBy({ student, teacher, studentParameters, teacherParameters, labels }: BoundTerm): string[] {
  const read = (taps: readonly string[], parameters: readonly string[] = []) => [
    ...kindsOf(taps),
    ...(parameters.length > 0 ? ['parameters'] : []),
  ];
  const [ours, theirs] = [read(student, studentParameters), read(teacher, teacherParameters)];
  return [
    ...ours.filter((kind) => theirs.includes(kind)),
    ...ours.filter((kind) => !theirs.includes(kind)).map((kind) => `the student's ${kind}`),
    ...theirs.filter((kind) => !ours.includes(kind)).map((kind) => `the teacher's ${kind}`),
    ...(labels ? ['labels'] : []),
  ];
}

/** Names of the auxiliary networks that have parameters, without the number of a stage. */
function trainedBy({ auxiliary }: BoundTerm): string[] {
  const trained = Object.entries(auxiliary).filter(
    ([, { forward, inputShape }]) => trace(forward, inputShape).parameterCount > 0,
  );
  return [...new Set(trained.map(([name]) => name.replace(/\d+$/, '')))];
}
