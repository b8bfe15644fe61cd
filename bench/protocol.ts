/**
 * The messages of the benchmark. Each contender is a process that gets its `Work` as its only argument, then a `Request`
 * per line on stdin, and writes an `Answer` per line on stdout. It ends when its stdin ends.
 */
import type { Choice } from '@distillery/spec';
import type { StepTask } from './networks.ts';

/** A row of the tables. */
export interface Row {
  /** The name of the network in `networks.ts`; of the experiment, that of its student. */
  network: string;
  /** The tasks of a step are described there; `experiment` is the whole tutorial. */
  task: Task;
  precision: Precision;
}

/** What one process does, for all rounds of a row. */
export interface Work extends Row {
  threads: number;
  batch: number;
  /** The students that ours trains in one function, on the same batches of one teacher. Default: 1. */
  students?: number;
  inputs: Inputs;
  /** What follows is read by PyTorch alone: its way to run, the student, the term and shapes of the feature task. */
  way?: { channelsLast: boolean; compiled: boolean };
  described: Described;
  feature: string;
  /** The shapes of the teacher's maps in the order of the network, without the batch. */
  teacherMaps: number[][];
}

export type Task = StepTask | 'experiment';
export type Precision = 'float32' | 'bfloat16';

/** A file of inputs, `[train + test, …shape]`, then one byte for each label. */
export interface Inputs {
  file: string;
  /** The number of inputs of each split. */
  train: number;
  test: number;
  /** Images of uint8, `[height, width, channels]`, or texts of uint16, `[length]`. */
  shape: number[];
  /** Of each channel of images, in 0..1. */
  normalization?: { mean: number[]; std: number[] };
}

/** A network: its architecture as in a job, with every default, and the number of classes, token ids and tokens. */
export interface Described {
  architecture: Choice;
  task: { classes: number; vocabulary?: number; length?: number };
}

export interface Request {
  /** The number of training steps to measure, if the task is a step. */
  steps: number;
}

export interface Timing {
  /** The time of every step, or of the experiment. */
  milliseconds: number[];
  /** The parts of an experiment in order. */
  parts?: Part[];
  /** The peak resident memory of the process, in bytes. */
  peakBytes: number;
  /** Names of software with their versions. */
  version: string;
}

export interface Part {
  name: string;
  milliseconds: number;
  /** Accuracy on the test images, 0..1; null for a part without training. */
  accuracy: number | null;
}

/** The reason why this machine or version cannot do the work. */
export interface Refusal {
  refused: string;
}

export type Answer = Timing | Refusal;
