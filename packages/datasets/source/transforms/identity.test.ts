import { trainingSchemas } from '@distillery/spec';
import { expect, test } from 'vitest';
import {
  augmentationIdentity,
  augmentationName,
  isAugmented,
  mixesLabels,
  transformsOf,
} from './identity.ts';
import { transforms } from './index.ts';

const { augmentation } = trainingSchemas(transforms);
const identity = (choice: object) => augmentationIdentity(augmentation.parse(choice));
const flip = { type: 'flip', seed: 1, views: 2 };

test('the transforms and the seed make up the identity, the number of views does not', () => {
  expect(identity({ ...flip, views: 3 })).toEqual(identity(flip));
  expect(identity({ ...flip, seed: 2 })).not.toEqual(identity(flip));
  expect(identity({ ...flip, type: 'crop_flip' })).not.toEqual(identity(flip));
  const list = (...types: string[]) => identity({ transforms: types.map((type) => ({ type })) });
  expect(list('crop', 'mixup')).not.toEqual(list('mixup', 'crop'));
  expect(list('crop')).not.toEqual(identity({ transforms: [{ type: 'crop', padding: 3 }] }));
  expect(list('crop')).toEqual(identity({ transforms: [{ type: 'crop', padding: 4, fill: 0 }] }));
});

test('what earlier versions named by a word keeps its identity, which outputs are stored under', () => {
  expect(identity(flip)).toEqual({ type: 'flip', seed: 1 });
  expect(identity({ transforms: [{ type: 'flip' }], seed: 1 })).toEqual({ type: 'flip', seed: 1 });
  expect(identity({ transforms: [{ type: 'crop_flip' }], seed: 3 })).toEqual({ type: 'crop_flip', seed: 3 });
  const rarely = { type: 'flip', probability: 0.1 };
  expect(identity({ transforms: [rarely], seed: 1 })).toEqual({ transforms: [rarely], seed: 1 });
});

test('without a transform the seed does not matter', () => {
  for (const choice of [{}, { type: 'none' }, { transforms: [] }])
    for (const seed of [1, 2]) expect(identity({ ...choice, seed })).toBe('none');
});

test('an augmentation is named by its transforms, and tells whether it mixes labels', () => {
  const described = [{}, flip, { transforms: [] }, { transforms: [{ type: 'crop' }, { type: 'mixup' }] }].map(
    (choice) => {
      const parsed = augmentation.parse(choice);
      return [
        augmentationName(parsed),
        isAugmented(parsed),
        mixesLabels(parsed),
        transformsOf(parsed).map(({ type }) => type),
      ];
    },
  );
  expect(described).toEqual([
    ['none', false, false, []],
    ['flip', true, false, ['flip']],
    ['none', false, false, []],
    ['crop+mixup', true, true, ['crop', 'mixup']],
  ]);
});
