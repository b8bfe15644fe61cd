import type { DatasetProfile } from '@distillery/spec';
import type { Dataset, Split } from '../dataset.ts';
import { openReader } from '../readers/index.ts';
import { withoutRounding } from './numbers.ts';
import { textDecoder } from '../texts/tokenizer.ts';

type Preview = DatasetProfile['preview'][number];

const [mostClasses, ofEach, mostCharacters, mostColumns, thumbnailSide] = [10, 2, 500, 20, 64];

/** Shows two training samples of each of the first classes. */
export async function previewsOf(dataset: Dataset): Promise<Preview[]> {
  const show = shower(dataset);
  const { train, classes } = dataset;
  const previews: Preview[] = [];
  const reader = await openReader(train.reader);
  try {
    for (const [label, name] of classes.slice(0, mostClasses).entries()) {
      for (const index of placesOf(train, label)) {
        const bytes = new Uint8Array(reader.bytes);
        await reader.read(Int32Array.of(index), bytes);
        previews.push({ split: 'train', label: name, ...(await show(bytes)) });
      }
    }
  } finally {
    await reader.close();
  }
  return previews;
}

function placesOf({ labels }: Split, label: number): number[] {
  const places: number[] = [];
  for (let at = labels.indexOf(label); at >= 0 && places.length < ofEach; at = labels.indexOf(label, at + 1))
    places.push(at);
  return places;
}

type Show = (bytes: Uint8Array) => Promise<Pick<Preview, 'image' | 'text' | 'values'>>;

function shower(dataset: Dataset): Show {
  if (dataset.tokenizer !== undefined) {
    const decode = textDecoder(dataset.tokenizer);
    return async ({ buffer }) => ({ text: decode(new Uint16Array(buffer)).slice(0, mostCharacters) });
  }
  if (dataset.columns !== undefined) {
    const columns = dataset.columns.slice(0, mostColumns);
    return async ({ buffer }) => {
      const numbers = new Float32Array(buffer);
      const values = columns.map(({ name, mean, std }, place) => [
        name,
        withoutRounding(numbers[place] * std + mean, std),
      ]);
      return { values: Object.fromEntries(values) as Record<string, number> };
    };
  }
  const [height, width, channels] = dataset.shape;
  if (channels !== 1 && channels !== 3 && channels !== 4) return async () => ({});
  return async (bytes) => {
    const { default: sharp } = await import('sharp');
    const thumbnail = await sharp(bytes, { raw: { width, height, channels } })
      .resize(thumbnailSide, thumbnailSide, { fit: 'inside', withoutEnlargement: true })
      .png()
      .toBuffer();
    return { image: `data:image/png;base64,${thumbnail.toString('base64')}` };
  };
}
