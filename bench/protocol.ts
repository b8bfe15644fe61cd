/**
 * The messages of the benchmark. Each side gets a `Setup` as its only argument, then a `Request` per line on stdin, and
 * writes an `Answer` per line on stdout. It ends when its stdin ends.
 */

/** The images of both sides: one file of uint8, `[train + test, 32, 32, 3]`, then one byte for each label. */
export interface Setup {
  file: string;
  /** The number of images of each split. */
  train: number;
  test: number;
  /** Of each channel, in 0..1. */
  normalization: { mean: number[]; std: number[] };
  threads: number;
}

export interface Request {
  /**
   * teacher, student: training steps of DeepNN and LightNN; distill: one epoch of the student with soft targets, over
   * all training images; experiment: the whole tutorial.
   */
  task: 'teacher' | 'student' | 'distill' | 'experiment';
  /** PyTorch runs bfloat16 with autocast and channels-last memory. */
  precision: Precision;
  /** The number of training steps to measure, if the task is a step. */
  steps: number;
}

export type Precision = 'float32' | 'bfloat16';

export interface Timing {
  /** The time of every step, or of the epoch or experiment. */
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

/** The reason why this machine or version cannot run the request. */
export type Answer = Timing | { refused: string };
