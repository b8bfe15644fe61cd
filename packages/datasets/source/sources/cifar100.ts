import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DistilleryError } from '@distillery/spec';
import { z } from 'zod';
import { pathOption } from '../option-shapes.ts';
import { channelStatistics } from '../arrays/channel-statistics.ts';
import { type CifarLayout, imagesIn, readCifarArchive, side, writeCifar } from '../arrays/cifar.ts';
import { chosenClasses, classKey, classOptions, withClasses } from '../classes.ts';
import type { About, DatasetContext, DatasetKind } from '../dataset.ts';
import { decodedOnce, fileFingerprint } from '../decoded.ts';
import { ensureDownloaded, type KnownFile } from '../download.ts';
import { limited, limitedOutline, limitOptions } from '../limits.ts';
import { outlinedOnce } from '../outlined-once.ts';
import { badPath, resolveSourcePath } from '../source-path.ts';
import type { SplitWriter } from '../split-draft.ts';

/** The digest is the one in TensorFlow Datasets' checksum file. */
const archive: KnownFile = {
  url: 'https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz',
  bytes: 168_513_733,
  sha256: '58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec',
};
const advice =
  'give a local copy of the archive as "path", or use the source "shapes", which needs no download';

/** In the order of the label bytes. */
const classes = {
  fine: (
    'apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle ' +
    'caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant flatfish ' +
    'forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle ' +
    'mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine ' +
    'possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake spider squirrel streetcar ' +
    'sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle wardrobe whale ' +
    'willow_tree wolf woman worm'
  ).split(' '),
  coarse: (
    'aquatic_mammals fish flowers food_containers fruit_and_vegetables household_electrical_devices household_furniture ' +
    'insects large_carnivores large_man-made_outdoor_things large_natural_outdoor_scenes large_omnivores_and_herbivores ' +
    'medium_mammals non-insect_invertebrates people reptiles small_mammals trees vehicles_1 vehicles_2'
  ).split(' '),
};

const options = z.strictObject({
  path: pathOption(
    'A local archive in the form of cifar-100-binary.tar.gz or cifar-100-python.tar.gz, below a folder that the service may ' +
      'read. Default: the archive is downloaded.',
  ).optional(),
  labels: z
    .enum(['fine', 'coarse'])
    .default('fine')
    .describe('Whether the classes are the 100 kinds of things or their 20 groups.'),
  ...classOptions,
  ...limitOptions,
});
type Options = z.output<typeof options>;

export const cifar100: DatasetKind<typeof options> = {
  type: 'cifar100',
  summary:
    'CIFAR-100: 50,000 training and 10,000 test photographs, 32×32 RGB, 100 classes in 20 groups; downloaded once.',
  reference: 'https://www.cs.toronto.edu/~kriz/cifar.html',
  options,
  async outline(choice, context) {
    const all = classes[choice.labels];
    const chosen = chosenClasses(all, choice.classes);
    const about = { classes: chosen.classes, shape: [side, side, 3] };
    const isUsed = (label: number) => chosen.indices[label] >= 0;
    if (choice.path === undefined) {
      const share = all.filter((_, label) => isUsed(label)).length / all.length;
      return limitedOutline({ ...about, trainCount: 50_000 * share, testCount: 10_000 * share }, choice);
    }
    const file = await givenArchive(choice.path, context);
    const key = [
      'cifar100',
      await fileFingerprint(file),
      choice.path,
      choice.labels,
      classKey(choice.classes),
    ];
    const outline = await outlinedOnce(key, async () => {
      const { train, test } = await read(file, choice, context);
      return { ...about, trainCount: imagesIn(train, isUsed), testCount: imagesIn(test, isUsed) };
    });
    return limitedOutline(outline, choice);
  },
  async load(choice, context) {
    const { path, labels } = choice;
    const file = path === undefined ? undefined : await givenArchive(path, context);
    const identity = file === undefined ? archive.sha256 : await fileFingerprint(file);
    const decoded = await decodedOnce({ source: 'cifar100', identity, labels }, context, async (writers) => {
      const target = file ?? join(context.cacheDir, 'downloads', 'cifar-100-binary.tar.gz');
      if (file === undefined) await ensureDownloaded(archive, target, context, advice);
      return decode(target, choice, writers, context);
    });
    return limited(withClasses(decoded, choice.classes), choice);
  },
};

function layoutOf(labels: Options['labels']): CifarLayout {
  return {
    train: /^train$/,
    test: /^test$/,
    labelBytes: 2,
    labelAt: labels === 'coarse' ? 0 : 1,
    labelKey: `${labels}_labels`,
    classes: classes[labels].length,
  };
}

/** @throws DistilleryError `data_error` for an archive of another form */
async function read(file: string, { path, labels }: Options, context: DatasetContext) {
  try {
    return await readCifarArchive(file, layoutOf(labels), context.signal);
  } catch (cause) {
    context.signal?.throwIfAborted();
    if (cause instanceof TypeError || cause instanceof DistilleryError) throw cause;
    throw badPath(path ?? file, (cause as Error).message, context, { cause });
  }
}

async function decode(
  file: string,
  choice: Options,
  writers: { train: SplitWriter; test: SplitWriter },
  context: DatasetContext,
): Promise<About> {
  const { signal } = context;
  const { train, test } = await read(file, choice, context);
  const statistics = channelStatistics(3);
  await writeCifar(train, writers.train, { signal, see: statistics.add });
  await writeCifar(test, writers.test, { signal });
  return {
    classes: [...classes[choice.labels]],
    shape: [side, side, 3],
    skipped: { count: 0, first: [] },
    normalization: statistics.normalization(),
  };
}

async function givenArchive(path: string, context: DatasetContext): Promise<string> {
  const file = await resolveSourcePath(path, context);
  if (!(await stat(file)).isFile())
    throw badPath(path, 'is not a file; expected an archive of CIFAR-100', context);
  return file;
}
