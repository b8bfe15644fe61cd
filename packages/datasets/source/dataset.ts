import type { Kind } from '@distillery/spec';
import type { z } from 'zod';
import type { ReaderDescription } from './readers/reader.ts';
import type { Tokenizer } from './texts/tokenizer.ts';

/** Images as the source has them, or texts as ids of tokens; normalising happens when a batch is put together. */
export interface Split {
  /** Opens the inputs in any thread; what loads a data set holds none of them. */
  reader: ReaderDescription;
  /** `[count]`, indices into `Dataset.classes`. */
  labels: Int32Array;
  count: number;
}

interface Labelled {
  /**
   * SHA-256 over shape, class names, a text's tokenizer and both splits' decoded bytes. Where a part is taken it is derived
   * from that of the whole, and where a source streams, from what determines the samples: equal digests mean equal data.
   */
  digest: string;
  classes: string[];
  train: Split;
  test: Split;
  /** Images that did not decode and rows that are no labelled text, by name, with the reason; bounded (the first 100) beside the full count. */
  skipped: { count: number; first: { name: string; reason: string }[] };
}

interface ImageDataset extends Labelled {
  /** `[height, width, channels]` */
  shape: [number, number, number];
  /** Per-channel mean and standard deviation (in 0..1) that this source is normalised with. */
  normalization: { mean: number[]; std: number[] };
  vocabulary?: undefined;
  tokenizer?: undefined;
}

interface TextDataset extends Labelled {
  /** `[length]` in tokens */
  shape: [number];
  /** Ids are below it. */
  vocabulary: number;
  /** What makes ids of texts, in a form that people can use elsewhere. */
  tokenizer: Tokenizer;
  normalization?: undefined;
}

export type Dataset = ImageDataset | TextDataset;

/** Everything of a data set but its samples and their digest. */
export type About = Without<ImageDataset> | Without<TextDataset>;
type Without<D extends Dataset> = Omit<D, 'digest' | 'train' | 'test'>;

/** What can be told of a data set without decoding it. */
export interface DatasetOutline {
  classes: string[];
  /** `[height, width, channels]` of images, `[length]` of texts */
  shape: number[];
  /** Of texts: as many ids of tokens as there can be. */
  vocabulary?: number | undefined;
  trainCount: number;
  testCount: number;
}

/** Bytes of one input. */
export function inputBytes({ shape, vocabulary }: Pick<DatasetOutline, 'shape' | 'vocabulary'>): number {
  return shape.reduce((product, extent) => product * extent, vocabulary === undefined ? 1 : 2);
}

/** The surroundings a source may use. */
export interface DatasetContext {
  /** Folder for downloads and decoded copies; created when missing. */
  cacheDir: string;
  /** Absolute folders that `path` options may point into. */
  roots: readonly string[];
  /** One line for the log, e.g. how far a download is. */
  progress?: (message: string) => void;
  /** Bytes of decoded inputs that a thread which reads them may keep in memory; default 512 MiB. */
  memoryBytes?: number;
  /** Ends an outline or a load early; what they throw then is its reason. */
  signal?: AbortSignal;
}

/** A source of labelled images or texts. Failures are DistilleryErrors `data_error` or `data_unavailable`. */
export interface DatasetKind<Options extends z.ZodObject = z.ZodObject> extends Kind {
  readonly options: Options;
  /** Cheap: reads names and headers, never decodes everything. */
  outline(options: z.output<Options>, context: DatasetContext): Promise<DatasetOutline>;
  /**
   * Makes the inputs ready to be read: decodes them, or finds the decoded copy that an earlier call left in the cache.
   * A source that streams only says where its reader finds them.
   */
  load(options: z.output<Options>, context: DatasetContext): Promise<Dataset>;
}
