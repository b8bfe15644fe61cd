import { type Augmentation, type Choice, digestOf } from '@distillery/spec';
import { transforms } from './index.ts';

/** The augmentations that one word names, with their default options. */
const words: readonly string[] = ['flip', 'crop_flip'];

/** Whether an augmentation changes samples at all. */
export function isAugmented({ type, transforms: list }: Pick<Augmentation, 'type' | 'transforms'>): boolean {
  return list === undefined ? type !== 'none' : list.length > 0;
}

/** The transforms of an augmentation, with their options, in their order. */
export function transformsOf({
  type,
  transforms: list,
}: Pick<Augmentation, 'type' | 'transforms'>): Choice[] {
  if (list !== undefined) return list;
  return type === 'none' ? [] : [transforms.schema.parse({ type })];
}

/** Whether an augmentation mixes samples and their labels. */
export function mixesLabels(augmentation: Pick<Augmentation, 'type' | 'transforms'>): boolean {
  return transformsOf(augmentation).some(({ type }) => transforms.get(type).changes === 'pairs');
}

/** An augmentation in one word for people, such as `crop+flip`. */
export function augmentationName(augmentation: Pick<Augmentation, 'type' | 'transforms'>): string {
  return isAugmented(augmentation)
    ? transformsOf(augmentation)
        .map(({ type }) => type)
        .join('+')
    : 'none';
}

/**
 * The identity of an augmentation. Augmentations with equal identities give equal samples in equal views, so they can share
 * a teacher's stored outputs. The number of views is not part of the identity, nor is the seed of `none`. A single transform
 * that earlier versions named by one word has the identity that it had there.
 */
export function augmentationIdentity(
  augmentation: Pick<Augmentation, 'type' | 'transforms' | 'seed'>,
): 'none' | { type: string; seed: number } | { transforms: Choice[]; seed: number } {
  const list = transformsOf(augmentation);
  const { seed } = augmentation;
  if (list.length === 0) return 'none';
  const [{ type }] = list;
  const plain = list.length === 1 && digestOf(list[0]) === digestOf(transforms.schema.parse({ type }));
  return plain && words.includes(type) ? { type, seed } : { transforms: list, seed };
}
