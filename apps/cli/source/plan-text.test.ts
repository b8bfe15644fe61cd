import { stripVTControlCharacters } from 'node:util';
import type { Plan } from '@distillery/spec';
import { expect, test } from 'vitest';
import { planText } from './plan-text.ts';

const plan: Plan = {
  dataset: { source: 'shapes', classes: ['a', 'b'], shape: [8, 8, 3], train: 900, validation: 100, test: 50 },
  teachers: [],
  students: [],
  augmentations: [
    {
      augmentation: 'none',
      students: ['control'],
      views: 1,
      inputs: 1,
      outputsBytes: 0,
      outputsWork: 0,
      teachingWork: 0,
    },
    {
      augmentation: 'crop+mixup',
      students: ['a', 'b'],
      views: 4,
      inputs: 2,
      outputsBytes: 144_000,
      outputsWork: 2.5e12,
      teachingWork: 0,
    },
    {
      augmentation: 'flip',
      students: ['c'],
      views: 'fresh',
      inputs: 1,
      outputsBytes: 0,
      outputsWork: 0,
      teachingWork: 3e13,
    },
  ],
  stages: [],
  estimate: { memoryBytes: 1e9, datasetBytes: 1e6, outputsBytes: 144_000, seconds: null, gigaflops: null },
  warnings: [],
};

test('tells what each augmentation costs', () => {
  const lines = stripVTControlCharacters(planText(plan)).split('\n');
  expect(lines.filter((line) => line.includes(' with '))).toEqual([
    '  1 student with no augmentation',
    expect.stringMatching(
      /^ {2}2 students with crop\+mixup, 4 views; 141 KiB of outputs, 2\.5 TFLOPs to compute them; 2 samples read for each$/,
    ),
    '  1 student with flip, fresh views; 30 TFLOPs of teachers in the loop',
  ]);
});
