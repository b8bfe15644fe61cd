import type { Kind } from '@distillery/spec';
import type { z } from 'zod';
import type { ImageInput, Preparation } from './bundle/preparation.ts';
import type { DType, TensorData } from './dtypes.ts';

/** A tensor of a file: `data` holds the product of `shape` elements, the last dimension fastest. */
export interface NamedTensor {
  name: string;
  dtype: DType;
  shape: readonly number[];
  data: TensorData;
}

/**
 * A trained network's weights, independent of any file format.
 *
 * Parameters have PyTorch's names and PyTorch's layout: a linear layer is `[out, in]`, a convolution kernel
 * `[out, in, height, width]`. A format with another layout permutes them.
 */
export interface Weights {
  /** In the network's order. */
  parameters: readonly NamedTensor[];
  /**
   * What the weights belong to, as JSON texts: `architecture`, `graph` (its operations), `classes`, `input`, `normalization`,
   * `tokenizer` or `columns`.
   */
  metadata: Readonly<Record<string, string>>;
}

/** A kind of weight file. `type` is its name in `?format=`; its options are further parameters of a request. */
export interface Format<Options extends z.ZodObject = z.ZodObject> extends Kind {
  readonly options: Options;
  /** The media type that downloads are sent with. */
  readonly mediaType: string;
  /** The extension of its files, without the dot. */
  readonly extension: string;
  /**
   * Returns the bytes of a file. Equal weights and options give equal bytes, so that a file can be checked against its digest.
   *
   * @throws RangeError for weights that the format cannot represent
   * @throws DistilleryError `artifact_corrupt` for weights that lack what the format writes, or contradict themselves
   */
  encode(weights: Weights, options: z.output<Options>): Uint8Array;
  /**
   * Reads the bytes of a file. Absent where the format is only written.
   *
   * @throws DistilleryError `artifact_corrupt` for bytes that are not such a file
   */
  decode?(bytes: Uint8Array): Weights;
  /** How a file of the format becomes a folder that runs. Absent where the format has no examples. */
  readonly bundled?: Bundled;
}

/** What a bundle has beside labels, preparation and card. */
export interface Bundled {
  /** How the file takes images. @throws RangeError for options that the examples cannot run */
  image(options: Record<string, unknown>): ImageInput;
  /** The programs that run the file, by name. */
  examples(preparation: Preparation): Readonly<Record<string, string>>;
  /** The files of the folder that an encoded file becomes. Default: `model.<extension>`. */
  files?(encoded: Uint8Array): Readonly<Record<string, Uint8Array>>;
}
