/**
 * How many images a second each transform changes, on one thread, as the batch thread applies them. With `--python PATH` the
 * same is measured with torchvision on Pillow images, on one thread of that Python, 3.11 or later:
 *
 *     npm run bench:transforms -- --python python3
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { transforms } from '@distillery/datasets';
import { openAugmenter } from '@distillery/datasets/augmenter';
import { trainingSchema } from '@distillery/training';

/** Seconds for each measurement; the median of several counts. */
const seconds = 0.4;
const rounds = 5;

/** Bytes that are related to their neighbours, as in photographs. */
function photograph(size: number): Uint8Array {
  const image = new Uint8Array(size * size * 3);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      for (let channel = 0; channel < 3; channel++) {
        const wave = 60 * Math.sin((x * (channel + 1) * 7) / size) + 50 * Math.cos((y * 9) / size);
        image[(y * size + x) * 3 + channel] = 128 + wave + ((x * 31 + y * 17) % 15);
      }
    }
  }
  return image;
}

function imagesPerSecond(list: object[], size: number): number {
  const { augmentation } = trainingSchema.parse({ augmentation: { transforms: list } });
  const image = photograph(size);
  const augmenter = openAugmenter(augmentation, [size, size, 3], Int32Array.of(0));
  const into = new Uint8Array(image.length);
  let index = 0;
  const one = () => {
    const changed = augmenter.change(image, index, 0);
    augmenter.pairs?.mix(changed, image, index, 0, into);
    index++;
  };
  const rates = Array.from({ length: rounds }, () => {
    const begun = performance.now();
    let count = 0;
    for (; performance.now() - begun < 1000 * seconds; count++) one();
    return (1000 * count) / (performance.now() - begun);
  });
  return rates.sort((a, b) => a - b)[rounds >> 1];
}

const { values } = parseArgs({ options: { python: { type: 'string' } } });
const peer = (size: number): Record<string, number> =>
  values.python === undefined
    ? {}
    : (JSON.parse(
        execFileSync(values.python, [
          // Without the folder of the script, whose pytorch.py torchvision would take for a package of that name.
          '-P',
          join(import.meta.dirname, 'peers/transforms.py'),
          String(size),
          String(seconds),
          String(rounds),
        ]).toString(),
      ) as Record<string, number>);

const lists = transforms.list
  .filter(({ changes }) => changes !== 'tokens')
  .map(({ type }) => ({ name: type, list: [{ type }] as object[] }));
lists.push({
  name: 'rand_augment (bilinear)',
  list: [{ type: 'rand_augment', interpolation: 'bilinear' }],
});
for (const size of [32, 224]) {
  const theirs = peer(size);
  console.log(`\n${size}×${size}×3, images/s on one thread`);
  for (const { name, list } of lists) {
    const other = theirs[name] === undefined ? '' : `   torchvision ${Math.round(theirs[name])}`;
    console.log(
      `  ${name.padEnd(24)} ${String(Math.round(imagesPerSecond(list, size))).padStart(8)}${other}`,
    );
  }
}
