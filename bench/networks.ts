import { trace } from '@distillery/engine';
import { bindMethod, type WeightedTerm } from '@distillery/training/method';
import { architectures, bind } from '@distillery/models';
import { terms } from '@distillery/methods';
import type { Choice } from '@distillery/spec';
import type { Described, Inputs, Row, Work } from './protocol.ts';

/** A student of the benchmark, with a teacher of its family whose outputs are stored. */
interface Network {
  student: Choice;
  teacher: Choice;
  input: 'images' | 'texts';
  batch: number;
  /** The term of the feature task, with its defaults. */
  feature: 'attention' | 'hidden_states';
}

const literature = { input: 'images', batch: 64, feature: 'attention' } as const;
const tutorial = { ...literature, teacher: { type: 'deepnn' }, batch: 128 };
const transformer = { batch: 64, feature: 'hidden_states' } as const;
const tiny = { type: 'vit', size: 'tiny', patch: 4 };

/** The network of the tutorial's student, which alone has the task `in_loop`, the experiment and the trainers. */
export const tutorialStudent = 'lightnn';

/** The networks that people distil, by the names that the page and `--networks` use. */
export const networks: Readonly<Record<string, Network>> = {
  lightnn: { ...tutorial, student: { type: 'lightnn' } },
  deepnn: { ...tutorial, student: { type: 'deepnn' } },
  'resnet 20': { ...literature, student: resnet(20), teacher: resnet(56) },
  'resnet 56': { ...literature, student: resnet(56), teacher: resnet(110) },
  'resnet 8x4': { ...literature, student: resnet(8, 4), teacher: resnet(32, 4) },
  'wide_resnet 16-2': { ...literature, student: wideResnet(16), teacher: wideResnet(40) },
  'vgg 8': { ...literature, student: { type: 'vgg', depth: 8 }, teacher: { type: 'vgg', depth: 13 } },
  mobilenet_v2: {
    ...literature,
    student: { type: 'mobilenet_v2', width: 0.5 },
    teacher: { type: 'mobilenet_v2', width: 1 },
  },
  shufflenet_v2: {
    ...literature,
    student: { type: 'shufflenet_v2', width: 1 },
    teacher: { type: 'shufflenet_v2', width: 1.5 },
  },
  // Teachers of the same width, so that hidden states are compared without a trained layer in between.
  'vit tiny': { ...transformer, input: 'images', student: tiny, teacher: tiny },
  text_transformer: {
    ...transformer,
    input: 'texts',
    student: { type: 'text_transformer', depth: 2 },
    teacher: { type: 'text_transformer', depth: 4 },
  },
};

function resnet(depth: number, width = 1): Choice {
  return { type: 'resnet', depth, width };
}

function wideResnet(depth: number): Choice {
  return { type: 'wide_resnet', depth, width: 2 };
}

/** Ten classes, as in CIFAR-10; texts of at most 128 tokens out of 8,192. */
export const [classes, length, vocabulary] = [10, 128, 8192];
const inputShapes = { images: [32, 32, 3], texts: [length] };

/** Describes the student of a network for both sides, with every default of its options. */
export function describedStudent({ student, input }: Network): Described {
  const task = input === 'texts' ? { classes, vocabulary, length } : { classes };
  return { architecture: architectures.schema.parse(student), task };
}

export function forwardOf({ architecture, task }: Described) {
  return bind(architectures.get(architecture.type), architecture, task);
}

/** Returns the plan of the student: its parameters and taps. */
export function planOf(network: Network) {
  return trace(forwardOf(describedStudent(network)), inputShapes[network.input]);
}

const labels = { type: 'cross_entropy' };
const softTargets = [
  { type: 'soft_target', temperature: 2, weight: 0.25 },
  { ...labels, weight: 0.75 },
];

/** The tasks of a step: their titles, and the method for a network. */
export const tasks = {
  plain: { title: 'plain step', method: () => [labels] },
  soft_target: { title: 'soft targets', method: () => softTargets },
  feature: { title: 'features', method: ({ feature }: Network) => [{ type: feature }, labels] },
  /** As the tutorial runs it: PyTorch's teacher computes every batch. */
  in_loop: { title: 'soft targets, teacher in the loop', method: () => softTargets },
} as const;
export type StepTask = keyof typeof tasks;

/** Binds the method of a task to a network and its teacher. */
export function methodOf(network: Network, task: StepTask): WeightedTerm[] {
  const choices = tasks[task].method(network).map((choice) => terms.schema.parse(choice) as Choice);
  return bindMethod(choices, planOf(network), teacherPlan(network));
}

function teacherPlan(network: Network) {
  return planOf({ ...network, student: network.teacher });
}

/** Returns the shapes of the teacher's taps that a method reads, by name. */
export function teacherTaps(network: Network, method: readonly WeightedTerm[]): Record<string, number[]> {
  const { taps } = teacherPlan(network);
  return Object.fromEntries(method.flatMap(({ bound }) => bound.teacher.map((tap) => [tap, taps[tap]])));
}

/** Returns what a contender must know of a row. */
export function workOf(
  row: Row,
  { inputs, threads }: { inputs: Record<Network['input'], Inputs>; threads: number },
): Work {
  const network = networks[row.network];
  const { batch, feature, input } = network;
  const maps = row.task === 'feature' ? teacherTaps(network, methodOf(network, row.task)) : {};
  const described = describedStudent(network);
  return {
    ...row,
    threads,
    batch,
    inputs: inputs[input],
    described,
    feature,
    teacherMaps: Object.values(maps),
  };
}
