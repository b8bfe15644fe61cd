import { randomStream } from '@distillery/engine';

/**
 * Sets a part of the training images aside for validation, the same share of each class, by a seeded draw.
 *
 * @param count training images
 * @param labels `[count]`
 * @param fraction 0..1 of each class, rounded to whole images; a class keeps at least one training image
 * @returns sorted indices into the training split, disjoint, together all of them
 */
export function splitValidation(
  count: number,
  labels: Int32Array,
  fraction: number,
  seed: number,
): { train: Int32Array; validation: Int32Array } {
  if (labels.length !== count) throw new RangeError(`${labels.length} labels for ${count} images`);
  if (!(fraction >= 0 && fraction < 1)) throw new RangeError(`fraction must be in [0, 1): ${fraction}`);
  const members = new Map<number, number[]>();
  labels.forEach((label, index) => {
    const group = members.get(label);
    if (group === undefined) members.set(label, [index]);
    else group.push(index);
  });
  const train: number[][] = [];
  const validation: number[][] = [];
  for (const [label, indices] of members) {
    // one stream a class: another class that grows does not move this one's draw
    randomStream(seed, 'validation', label).shuffle(indices);
    const aside = Math.min(indices.length - 1, Math.round(indices.length * fraction));
    validation.push(indices.slice(0, aside));
    train.push(indices.slice(aside));
  }
  const sorted = (parts: number[][]) => Int32Array.from(parts.flat()).sort();
  return { train: sorted(train), validation: sorted(validation) };
}
