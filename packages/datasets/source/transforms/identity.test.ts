import { expect, test } from 'vitest';
import { augmentationIdentity } from './identity.ts';

test('type and seed decide the pixels of a view, the number of views does not', () => {
  const flip = { type: 'flip', seed: 1, views: 2 };
  expect(augmentationIdentity(flip)).toEqual({ type: 'flip', seed: 1 });
  expect(augmentationIdentity({ ...flip, views: 3 } as typeof flip)).toEqual(augmentationIdentity(flip));
  expect(augmentationIdentity({ ...flip, seed: 2 })).not.toEqual(augmentationIdentity(flip));
  expect(augmentationIdentity({ ...flip, type: 'crop_flip' })).not.toEqual(augmentationIdentity(flip));
});

test('without an augmentation the seed does not matter', () => {
  expect(augmentationIdentity({ type: 'none', seed: 1 })).toBe('none');
  expect(augmentationIdentity({ type: 'none', seed: 2 })).toBe('none');
});
