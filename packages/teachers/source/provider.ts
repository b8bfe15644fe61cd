import type { Tensors } from '@distillery/engine';
import type { Choice, Kind } from '@distillery/spec';
import type { Store } from '@distillery/store';
import type { Tensor, Tensor1D } from '@tensorflow/tfjs-core';
import type { z } from 'zod';

/** A frozen teacher whose outputs can be computed. */
export interface TeacherProvider {
  /** SHA-256 of all that determines its outputs for given images: equal digests mean equal outputs. */
  readonly digest: string;
  /** The shapes of its named tensors without the batch; `logits` is among them. */
  readonly taps: Readonly<Record<string, readonly number[]>>;
  /** Numbers that one sample's forward pass puts out, by which the size of a batch is chosen. */
  readonly activations: number;
  /**
   * Computes its outputs for one batch; the caller disposes them.
   *
   * @param batch `images` is `[batch, height, width, channels]`, or `[batch, length]` ids of tokens; `labels` is `[batch]`,
   *   int32
   * @param taps the names of those that are wanted
   * @returns by tap, `[batch, …taps[name]]`
   */
  predict(batch: { images: Tensor; labels: Tensor1D }, taps: readonly string[]): Tensors;
  /** Frees what it holds on the device. */
  dispose(): void;
}

/** What planning knows of a teacher before any of its outputs are computed. */
export interface TeacherOutline {
  /** Its network, as a job spec names one. */
  architecture: Choice;
  /** What it was trained on, where that is not data of this job. */
  subject?: { shape: number[]; classes: string[] };
  /** The normalisation that its images need, where that is not the one of this job's data. */
  normalization?: { mean: number[]; std: number[] };
}

/** What a provider is opened with. */
export interface TeacherContext {
  store: Store;
  /** The digest of the weights that this job trained; absent for a teacher without a training stage. */
  trained?: string;
  /**
   * Puts the teacher's network on the device.
   *
   * @param weights the digest of its file in the store
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
   * Describes a teacher without computing anything.
   *
   * @param context absent where planning has no store
   * @throws DistilleryError `invalid_spec` whose fields have paths within the teacher
   */
  outline(options: z.output<Options>, context?: { store: Store }): Promise<TeacherOutline>;
  /** Opens a teacher to compute its outputs; the caller disposes it. */
  open(options: z.output<Options>, context: TeacherContext): Promise<TeacherProvider>;
}
