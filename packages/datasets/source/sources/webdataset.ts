import { z } from 'zod';
import { classNamesOption, pathOption } from '../option-shapes.ts';
import type { DatasetContext, DatasetKind } from '../dataset.ts';
import { fileFingerprint } from '../decoded.ts';
import { loadPacked, outlinePacked, packedOptions, type PackedImages } from '../images/packed-images.ts';
import { shardsOf } from '../images/shards.ts';
import { webdatasetImages } from '../images/webdataset-images.ts';

/** Part of the fingerprint: raise it when the same files give other images than before. */
const revision = 1;

const options = z.strictObject({
  path: pathOption(
    'A tar archive, a folder of them, or names with a range such as `shards/train-{000000..000127}.tar`, below a folder that the service ' +
      'may read; each may be packed by gzip or Zstandard. Files whose names or folders begin with train, val and test are these splits.',
  ),
  label: z
    .string()
    .min(1)
    .max(256)
    .default('label')
    .describe('The field that holds the label in `.json` files; `.cls` files hold nothing else.'),
  classNames: classNamesOption(10_000, 'labels'),
  ...packedOptions,
});
type Options = z.output<typeof options>;

export const webdataset: DatasetKind<typeof options> = {
  type: 'webdataset',
  summary: 'Images in shards of WebDataset: tar archives of key.jpg with key.cls or key.json.',
  reference: 'https://github.com/webdataset/webdataset',
  options,
  outline: async (choice, context) => outlinePacked(await open(choice, context), choice, context),
  load: async (choice, context) => loadPacked(await open(choice, context), choice, context),
};

async function open({ path, label, classNames }: Options, context: DatasetContext): Promise<PackedImages> {
  const shards = await shardsOf(path, /\.(tar|tar\.gz|tgz|tar\.zst)$/i, context);
  const files = await Promise.all(shards.map(({ path: file }) => fileFingerprint(file)));
  return {
    fingerprint: { source: 'webdataset', revision, files },
    ...webdatasetImages(shards, { label, classNames }),
  };
}
