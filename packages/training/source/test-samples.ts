import { type Dataset, openReader, textDecoder } from '@distillery/datasets';
import { randomStream } from '@distillery/engine';
import { decodeSafetensors, encodeSafetensors } from '@distillery/formats';
import { DistilleryError } from '@distillery/spec';

/** Some samples of a test split, as people see them. */
export interface TestSamples {
  /** `[count]`, rising indices into the test split. */
  indices: Int32Array;
  content:
    | {
        kind: 'image';
        /** `[height, width, channels]` */
        shape: number[];
        /** `[count, height, width, channels]`, 0 to 255. */
        pixels: Uint8Array;
      }
    | { kind: 'text'; texts: string[] };
}

/** The most samples that are kept, and the most bytes of their inputs. */
const [mostSamples, mostBytes] = [1000, 16 * 1024 * 1024];
/** The most columns of a row that are shown. */
const mostColumns = 50;

/**
 * Encodes some samples of a test split as a file. Equal data give the same bytes, so that all stages and jobs that use the data
 * share one file.
 *
 * @throws DistilleryError `data_unavailable` when inputs are missing
 */
export async function encodeTestSamples(dataset: Dataset): Promise<Uint8Array> {
  const { test, shape, digest } = dataset;
  const indices = chosen(
    test.count,
    Math.min(mostSamples, Math.floor(mostBytes / test.reader.bytes)),
    digest,
  );
  const count = indices.length;
  const inputs = new Uint8Array(count * test.reader.bytes);
  const reader = await openReader(test.reader);
  try {
    await reader.read(indices, inputs);
  } finally {
    await reader.close();
  }
  const places = { name: 'indices', dtype: 'I32', shape: [count], data: indices } as const;
  const texts = textsOf(dataset, inputs);
  if (texts === undefined) {
    return encodeSafetensors([
      places,
      { name: 'pixels', dtype: 'U8', shape: [count, ...shape], data: inputs },
    ]);
  }
  const bytes = new TextEncoder().encode(JSON.stringify(texts));
  return encodeSafetensors([places, { name: 'texts', dtype: 'U8', shape: [bytes.length], data: bytes }]);
}

/** The inputs of texts and tables as people read them; undefined for images. */
function textsOf({ shape, tokenizer, columns }: Dataset, inputs: Uint8Array): string[] | undefined {
  const [length] = shape;
  const rows = <Row>(all: { length: number; subarray(from: number, to: number): Row }): Row[] =>
    Array.from({ length: all.length / length }, (_, i) => all.subarray(i * length, (i + 1) * length));
  if (tokenizer !== undefined) return rows(new Uint16Array(inputs.buffer)).map(textDecoder(tokenizer));
  return (
    columns &&
    rows(new Float32Array(inputs.buffer)).map((row) =>
      columns
        .slice(0, mostColumns)
        .map(({ name, mean, std }, i) => `${name} ${Number((row[i] * std + mean).toPrecision(6))}`)
        .join(', '),
    )
  );
}

/**
 * Reads a file of `encodeTestSamples`.
 *
 * @throws DistilleryError `artifact_corrupt` for another file
 */
export function decodeTestSamples(file: Uint8Array): TestSamples {
  const { tensors } = decodeSafetensors(file);
  const [indices, pixels, texts] = ['indices', 'pixels', 'texts'].map((name) => tensors.get(name));
  if (indices?.data instanceof Int32Array && pixels?.data instanceof Uint8Array) {
    const content = { kind: 'image', shape: pixels.shape.slice(1), pixels: pixels.data } as const;
    return { indices: indices.data, content };
  }
  if (indices?.data instanceof Int32Array && texts?.data instanceof Uint8Array) {
    const content = {
      kind: 'text',
      texts: JSON.parse(new TextDecoder().decode(texts.data)) as string[],
    } as const;
    return { indices: indices.data, content };
  }
  throw new DistilleryError('artifact_corrupt', 'the file of test samples has neither pixels nor texts');
}

/** A random part of the split that depends on its data alone. */
function chosen(count: number, most: number, digest: string): Int32Array {
  const indices = Array.from({ length: count }, (_, index) => index);
  if (count > most) randomStream(0, 'test samples', digest).shuffle(indices);
  return Int32Array.from(indices.slice(0, most)).sort();
}
