import { z } from 'zod';
import { columnOption, pathOption } from '../option-shapes.ts';
import type { DatasetContext, DatasetKind } from '../dataset.ts';
import { fileFingerprint } from '../decoded.ts';
import { loadPacked, outlinePacked, packedOptions, type PackedImages } from '../images/packed-images.ts';
import { parquetImages } from '../images/parquet-images.ts';
import { shardsOf } from '../images/shards.ts';

/** Part of the fingerprint: raise it when the same files give other images than before. */
const revision = 1;

const options = z.strictObject({
  path: pathOption(
    'A Parquet file, a folder of them, or names with a range such as `data/train-{00000..00003}-of-00004.parquet`, below a folder that the ' +
      'service may read. Files whose names or folders begin with train, validation and test are these splits.',
  ),
  image: columnOption('the images, a struct with the field `bytes`').default('image'),
  label: columnOption('the labels').default('label'),
  ...packedOptions,
});
type Options = z.output<typeof options>;

export const imageParquet: DatasetKind<typeof options> = {
  type: 'image_parquet',
  summary:
    'Images in Parquet files as Hugging Face writes them: a column of encoded images and one of labels, with the names of the classes.',
  reference: 'https://huggingface.co/docs/datasets/image_dataset',
  options,
  outline: async (choice, context) => outlinePacked(await open(choice, context), choice, context),
  load: async (choice, context) => loadPacked(await open(choice, context), choice, context),
};

async function open({ path, image, label }: Options, context: DatasetContext): Promise<PackedImages> {
  const shards = await shardsOf(path, /\.parquet$/i, context);
  const files = await Promise.all(shards.map(({ path: file }) => fileFingerprint(file)));
  return {
    fingerprint: { source: 'image_parquet', revision, files },
    ...parquetImages(shards, { image, label }),
  };
}
