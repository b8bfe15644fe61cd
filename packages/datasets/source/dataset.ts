import type { Kind } from '@distillery/spec';
import type { z } from 'zod';

/** Images as the source has them; normalising happens when a batch is put together. */
export interface Split {
  /** `[count, height, width, channels]`, row-major; sources put it into memory that threads share. */
  images: Uint8Array;
  /** `[count]`, indices into `Dataset.classes`. */
  labels: Int32Array;
  count: number;
}

export interface Dataset {
  /**
   * SHA-256 over shape, class names and both splits' decoded bytes, or derived from it where a part is taken: equal
   * digests mean equal data.
   */
  digest: string;
  classes: string[];
  /** `[height, width, channels]` */
  shape: [number, number, number];
  train: Split;
  test: Split;
  /** Images that did not decode, by name, with the reason; bounded (the first 100) beside the full count. */
  skipped: { count: number; first: { name: string; reason: string }[] };
  /** Per-channel mean and standard deviation (in 0..1) that this source is normalised with. */
  normalization: { mean: number[]; std: number[] };
}

/** What can be told of a data set without decoding it. */
export interface DatasetOutline {
  classes: string[];
  shape: [number, number, number];
  trainCount: number;
  testCount: number;
}

/** The surroundings a source may use. */
export interface DatasetContext {
  /** Folder for downloads and decoded copies; created when missing. */
  cacheDir: string;
  /** Absolute folders that `path` options may point into. */
  roots: readonly string[];
  /** One line for the log, e.g. how far a download is. */
  progress?: (message: string) => void;
  signal?: AbortSignal;
}

/** A source of labelled images. Failures are DistilleryErrors `data_error` or `data_unavailable`. */
export interface DatasetKind<Options extends z.ZodObject = z.ZodObject> extends Kind {
  readonly options: Options;
  /** Cheap: reads names and headers, never decodes everything. */
  outline(options: z.output<Options>, context: DatasetContext): Promise<DatasetOutline>;
  /** Decodes, or reads the decoded copy that an earlier call left in the cache. */
  load(options: z.output<Options>, context: DatasetContext): Promise<Dataset>;
}
