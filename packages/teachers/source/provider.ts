import type { Target, Tensors } from '@distillery/engine';
import type { Choice, Kind } from '@distillery/spec';
import type { Store } from '@distillery/store';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { z } from 'zod';

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
  /** Its network, as in a job spec. */
  architecture: Choice;
  /** The data that it was trained on; absent: data of this job. */
  subject?: { shape: number[]; classes: string[] };
  /** How its images are normalised; absent: as the job's data. */
  normalization?: { mean: number[]; std: number[] };
}

/** What a kind needs to open a teacher. */
export interface TeacherContext {
  store: Store;
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
  outline(options: z.output<Options>, context?: { store: Store }): Promise<TeacherOutline>;
  /** Opens a teacher to compute its outputs; the caller disposes it. */
  open(options: z.output<Options>, context: TeacherContext): Promise<TeacherProvider>;
}
