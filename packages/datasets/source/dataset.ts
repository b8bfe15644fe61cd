import type { DatasetProfile, Kind } from '@distillery/spec';
import type { z } from 'zod';
import type { ReaderDescription } from './readers/reader.ts';
import type { StoredFile } from './stored-file.ts';
import type { Column } from './tables/column-statistics.ts';
import type { Tokenizer } from './texts/tokenizer.ts';

/** The samples of a split: images as in the source, which batches normalise, texts as token ids, or rows of standardised numbers. */
export interface Split {
  /** Describes the inputs so that any thread can open them; a loaded data set holds no inputs itself. */
  reader: ReaderDescription;
  /** `[count]`, indices into `Dataset.classes`; −1 for a training sample without a class. */
  labels: Int32Array;
  count: number;
}

interface Labelled {
  /**
   * The SHA-256 of the shape, the class names, the tokenizer of texts and the decoded bytes of both splits. The digest of a
   * part of a data set derives from that of the whole; the digest of a streaming source, from all that determines the
   * samples. Equal digests mean equal data.
   */
  digest: string;
  classes: string[];
  train: Split;
  test: Split;
  /**
   * The number of samples at the end of the training split that the source gives for validation; absent: jobs hold theirs out of
   * the training split.
   */
  validation?: number;
  /**
   * The number of samples without a class, whose label is −1, at the very end of the training split; absent where there are none.
   */
  unlabeled?: number;
  /** The number of images and rows that could not be read, and the names and reasons of the first 100. */
  skipped: { count: number; first: { name: string; reason: string }[] };
  /** What people should know about how the data were read, as sentences, for example that texts were cut off. */
  notes?: readonly string[];
}

interface ImageDataset extends Labelled {
  /** `[height, width, channels]`. */
  shape: [number, number, number];
  /** The mean and standard deviation of each channel, for pixels in 0 to 1. */
  normalization: { mean: number[]; std: number[] };
  vocabulary?: undefined;
  tokenizer?: undefined;
  columns?: undefined;
}

interface TextDataset extends Labelled {
  /** `[length]`, in tokens. */
  shape: [number];
  /** The number of token ids: every id is below it. */
  vocabulary: number;
  /** The tokenizer, in a form that other programs can read. */
  tokenizer: Tokenizer;
  normalization?: undefined;
  columns?: undefined;
}

interface TableDataset extends Labelled {
  /** `[columns]` */
  shape: [number];
  /** The names of the numbers of a row, and how they are standardised. */
  columns: Column[];
  normalization?: undefined;
  vocabulary?: undefined;
  tokenizer?: undefined;
}

export type Dataset = ImageDataset | TextDataset | TableDataset;

/** A data set without its samples and their digest. */
export type About = Without<ImageDataset> | Without<TextDataset> | Without<TableDataset>;
type Without<D extends Dataset> = Omit<D, 'digest' | 'train' | 'test'>;

/** The facts about a data set that are known without decoding it. */
export interface DatasetOutline {
  classes: string[];
  /** `[height, width, channels]` of images, `[length]` of texts, `[columns]` of tables. */
  shape: number[];
  /** The largest possible number of token ids; absent for images and tables. */
  vocabulary?: number | undefined;
  /** The samples of the training split, with those that are given for validation and those without a class. */
  trainCount: number;
  testCount: number;
  /** The number of samples that the source gives for validation. */
  validation?: number | undefined;
  /** The number of training samples without a class. */
  unlabeled?: number | undefined;
}

/** What the inputs of a data set are. */
export type InputKind = 'image' | 'text' | 'table';

export function inputKind({ shape, vocabulary }: Pick<DatasetOutline, 'shape' | 'vocabulary'>): InputKind {
  if (vocabulary !== undefined) return 'text';
  return shape.length === 1 ? 'table' : 'image';
}

/** One for each number of an image, two for each token of a text, four for each number of a table. */
const bytesOfNumber = { image: 1, text: 2, table: 4 };

/** The bytes of one input. */
export function inputBytes(described: Pick<DatasetOutline, 'shape' | 'vocabulary'>): number {
  return described.shape.reduce((product, extent) => product * extent, bytesOfNumber[inputKind(described)]);
}

/** The default of `DatasetContext.diskBytes`. */
export const defaultDiskBytes = 64 * 2 ** 30;

/** The folders, limits and callbacks that a source works with. */
export interface DatasetContext {
  /** The folder for downloads and decoded copies; it is created when missing. */
  cacheDir: string;
  /** Absolute folders that `path` options may point into. */
  roots: readonly string[];
  /**
   * Returns the path of a local file with the content of a stored one, whose name it has. Absent where there is no artifact store.
   */
  stored?: (file: StoredFile) => Promise<string>;
  /** Receives a line for the log, for example the progress of a download. */
  progress?: (message: string) => void;
  /** The most bytes of decoded inputs that a reading thread keeps in memory. Default: 512 MiB. */
  memoryBytes?: number;
  /**
   * The most bytes on the disk of decoded copies, and of unpacked archives; what was not used for the longest time goes first.
   * Default: 64 GiB.
   */
  diskBytes?: number;
  /** Ends an outline or a load early, which then throws the signal's reason. */
  signal?: AbortSignal;
}

/** A source of labelled images, texts or rows of numbers. It fails with DistilleryError `data_error` or `data_unavailable`. */
export interface DatasetKind<Options extends z.ZodObject = z.ZodObject> extends Kind {
  readonly options: Options;
  /** Describes the data set from names and headers, without decoding everything. */
  outline(options: z.output<Options>, context: DatasetContext): Promise<DatasetOutline>;
  /**
   * Prepares the inputs for reading: decodes them, or finds the decoded copy of an earlier call in the cache. A source
   * that streams only describes its reader.
   */
  load(options: z.output<Options>, context: DatasetContext): Promise<Dataset>;
  /** Describes the files of the samples, for profiles; absent where a sample is no file. */
  describeFiles?(options: z.output<Options>, context: DatasetContext): Promise<SampleFiles>;
}

/** The files that the samples of a data set are in. */
export interface SampleFiles {
  /** The names of the files of each split in the order of the samples, with those that `load` skips. */
  names: { train: string[]; test: string[] };
  sizes: DatasetProfile['sizes'];
}
