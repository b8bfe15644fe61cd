import { augmentationSchema } from '@distillery/spec';
import { expect, test } from 'vitest';
import { augmentationIdentity } from './identity.ts';

const identity = (choice: object) => augmentationIdentity(augmentationSchema.parse(choice));

test('type and seed make up the identity, the number of views does not', () => {
  const flip = { type: 'flip', seed: 1, views: 2 };
  expect(identity(flip)).toEqual({ type: 'flip', seed: 1 });
  expect(identity({ ...flip, views: 3 })).toEqual(identity(flip));
  expect(identity({ ...flip, seed: 2 })).not.toEqual(identity(flip));
  expect(identity({ ...flip, type: 'crop_flip' })).not.toEqual(identity(flip));
});

test('without an augmentation the seed does not matter', () => {
  expect(identity({ type: 'none', seed: 1 })).toBe('none');
  expect(identity({ type: 'none', seed: 2 })).toBe('none');
});
