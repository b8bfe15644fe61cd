/**
 * What the two sides of the benchmark are told and what they answer: a `Setup` as the only argument of their process,
 * then a `Request` a line on stdin and an `Answer` a line on stdout. A side ends when its stdin does.
 */

/** Both sides' images, drawn once: one file of uint8, `[train + test, 32, 32, 3]`, then a byte a label. */
export interface Setup {
  file: string;
  /** Images of each split. */
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
  /** PyTorch takes bfloat16 as autocast over channels-last memory. */
  precision: Precision;
  /** Training steps to time, where the task is a step. */
  steps: number;
}

export type Precision = 'float32' | 'bfloat16';

export interface Timing {
  /** Of every step, or of the one epoch or experiment. */
  milliseconds: number[];
  /** Of an experiment: what its parts took, in order. */
  parts?: Part[];
  /** The most memory that the process has held, in bytes. */
  peakBytes: number;
  /** Names of software with their versions. */
  version: string;
}

export interface Part {
  name: string;
  milliseconds: number;
  /** On the test images, 0..1; null where nothing is trained. */
  accuracy: number | null;
}

/** Refused: this machine or version cannot do what was asked for, and why. */
export type Answer = Timing | { refused: string };
