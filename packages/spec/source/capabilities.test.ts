import { expect, test } from 'vitest';
import { missingIn, requirementInWords, unmet } from './capabilities.ts';

const small = ['gpu', 'bfloat16', 'gpuMemory=17179869184', 'label:a10'];
const plain = ['cpu'];

test('words are met by equal words, sizes by sizes that are at least as large', () => {
  expect(unmet(small, ['gpu', 'label:a10', 'gpuMemory>=17179869184'])).toEqual([]);
  expect(unmet(small, ['cpu', 'label:a', 'gpuMemory>=17179869185'])).toEqual([
    'cpu',
    'label:a',
    'gpuMemory>=17179869185',
  ]);
  expect(unmet(plain, ['gpuMemory>=1'])).toEqual(['gpuMemory>=1']);
});

test('what is missing is what the most capable worker does not meet', () => {
  expect(missingIn([plain, small], ['gpu', 'label:h100'])).toEqual(['label:h100']);
  expect(missingIn([plain, small], ['gpu'])).toEqual([]);
  expect(missingIn([], ['gpu'])).toEqual([]);
});

test('requirements are told in words', () => {
  expect(
    ['gpuMemory>=17179869184', 'gpuMemory>=1500000000', 'gpu', 'cpu', 'label:a100', 'bfloat16'].map(
      requirementInWords,
    ),
  ).toEqual([
    '16 GiB of GPU memory',
    '1.4 GiB of GPU memory',
    'a GPU',
    'an engine on the CPU',
    'the label a100',
    'bfloat16',
  ]);
});
