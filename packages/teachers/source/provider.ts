import type { Target, Tensors } from '@distillery/engine';
import type { Choice, Kind } from '@distillery/spec';
import type { Store } from '@distillery/store';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { z } from 'zod';
import type { GivenArrays, Wanted } from './outputs/arrays.ts';

/** A frozen teacher whose outputs can be computed: once for the stored rows, or in a student's training loop. */
export interface TeacherProvider {
  /** The SHA-256 of all that determines its outputs: equal digests mean equal outputs for equal images. */
  readonly digest: string;
  /** The shape of each tap without the batch; `logits` is one of them. */
  readonly taps: Readonly<Record<string, readonly number[]>>;
  /** The number of activations of one sample's forward pass, by which the batch size is chosen. */
  readonly activations: number;
  /**
   * Computes its outputs for one batch; the caller disposes them. It must not change between calls.
   *
   * @param batch `images` is `[batch, height, width, channels]`, or `[batch, length]` token ids; `labels` are
   *   class numbers `[batch]`, int32, or for mixed samples probabilities `[batch, classes]`
   * @param taps the names of the taps to compute
   * @returns a tensor for each of them, `[batch, …taps[name]]`
   */
  predict(batch: { images: Tensor; labels: Target }, taps: readonly string[]): Tensors;
  /** Frees its memory on the device. */
  dispose(): void;
}

/** What planning knows about a teacher before any of its outputs are computed. */
export interface TeacherOutline {
  /** Its network, as in a job spec; absent for a teacher of which only outputs are known. */
  architecture?: Choice;
  /** For a teacher without an architecture, the shape of each tap beside `logits`. */
  taps?: Readonly<Record<string, number[]>>;
  /** For a teacher without an architecture, the number of activations of one sample's forward pass. */
  activations?: number;
  /** For a teacher without an architecture, the names of its classes; absent: those of the job. */
  classes?: string[];
  /** The data that it was trained on; absent: data of this job. */
  subject?: { shape: number[]; classes: string[] };
  /** How its images are normalised; absent: as the job's data. */
  normalization?: { mean: number[]; std: number[] };
}

/** Reads the files that teachers name. */
export interface TeacherFiles {
  /**
   * Reads the arrays of an NPZ, safetensors or Parquet file.
   *
   * @throws RangeError for a file that cannot be read; DistilleryError for a path that may not be read
   */
  arrays(path: string): Promise<GivenArrays>;
  /** Reads a file as it is. Throws as `arrays` does. */
  bytes(path: string): Promise<{ digest: string; bytes: Uint8Array }>;
}

/** Outputs that are given for the samples of a data set. */
export interface GivenOutputs {
  /** The SHA-256 of the file, and its size in bytes. */
  digest: string;
  size: number;
  /**
   * Returns the logits for all samples of a split, in their order: `[count, classes]`; undefined for a test split without any.
   *
   * @throws RangeError for a file that does not fit the samples or the classes
   */
  logits(split: 'train' | 'test', wanted: Wanted): Float32Array | undefined;
}

/** What a kind needs to describe a teacher. */
interface OutlineContext {
  store: Store;
  files?: TeacherFiles;
  /** The data of the job, and while the job is planned the numbers of its samples. */
  job?: {
    shape: readonly number[];
    classes: readonly string[];
    trainCount?: number;
    testCount?: number;
  };
}

/** What a kind needs to open a teacher. */
export interface TeacherContext {
  store: Store;
  files: TeacherFiles;
  /** The shape of the job's samples. */
  shape: readonly number[];
  /** The digest of the weights that this job trained; absent for a teacher without a training stage. */
  trained?: string;
  /**
   * Puts the teacher's network on the device.
   *
   * @param weights the digest of the weights file in the store
   * @throws DistilleryError `artifact_corrupt` when the file does not hold the network's weights
   */
  network(weights: string): Promise<TeacherProvider>;
}

/** A kind of teacher: where its outputs come from. */
export interface TeacherKind<Options extends z.ZodObject = z.ZodObject> extends Kind {
  readonly options: Options;
  /** Whether a stage of the job trains it first. */
  readonly trains: boolean;
  /**
   * True for a kind that has outputs only for the images that it was given them for. Students cannot see fresh views then,
   * for which it would have to run in the training loop.
   */
  readonly given?: true;
  /**
   * Describes a teacher without computing anything.
   *
   * @param context absent when planning runs without a store
   * @throws DistilleryError `invalid_spec`; the paths of its fields are relative to the teacher
   */
  outline(options: z.output<Options>, context?: OutlineContext): Promise<TeacherOutline>;
  /** Opens a teacher to compute its outputs; the caller disposes it. Absent for a kind that has `read`. */
  open?(options: z.output<Options>, context: TeacherContext): Promise<TeacherProvider>;
  /**
   * Reads the outputs of a teacher that cannot be run.
   *
   * @throws DistilleryError `data_error` for a file that cannot be used
   */
  read?(options: z.output<Options>, files: TeacherFiles): Promise<GivenOutputs>;
}
