import { expect, test } from 'vitest';
import { datasets } from './index.ts';

test('a choice names the source, and defaults are filled in', () => {
  expect(datasets.schema.parse({ source: 'cifar10' })).toEqual({
    source: 'cifar10',
    normalization: 'cifar10',
  });
  expect(datasets.schema.parse({ source: 'shapes', seed: 3 })).toEqual({
    source: 'shapes',
    trainCount: 10_000,
    testCount: 2_000,
    seed: 3,
  });
  expect(datasets.schema.parse({ source: 'image_folder', path: 'x' })).toEqual({
    source: 'image_folder',
    path: 'x',
    fit: 'squash',
    background: '#ffffff',
    channels: 3,
    testFraction: 0.1,
  });
});

test('refuses unknown sources and options', () => {
  expect(datasets.schema.safeParse({ source: 'mnist' }).error?.issues[0]?.message).toBe(
    `must be one of: ${datasets.list.map(({ type }) => type).join(', ')}`,
  );
  expect(datasets.schema.safeParse({ source: 'cifar10', sise: 3 }).success).toBe(false);
  expect(datasets.schema.safeParse({ source: 'image_folder' }).success).toBe(false);
  expect(datasets.schema.safeParse({ source: 'image_folder', path: 'x', size: [0, 4] }).success).toBe(false);
});

test('each source describes its options for the catalogue', () => {
  const catalogue = datasets.catalogue();
  expect(catalogue.map(({ type }) => type)).toEqual(datasets.list.map(({ type }) => type));
  expect(catalogue.find(({ type }) => type === 'image_folder')?.options).toMatchObject({
    required: ['path'],
    properties: { size: { type: 'array' } },
  });
});
