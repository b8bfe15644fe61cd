import { expect, test } from 'vitest';
import { sweepLines } from './sweep.ts';

test.each([
  [{ removed: false, blobs: 0, bytes: 0, checkpoints: 0, shared: 0 }, 'No orphaned files.'],
  [
    { removed: false, blobs: 1, bytes: 2048, checkpoints: 2, shared: 0 },
    '1 file (2.0 KiB) without a job, 2 checkpoints of jobs that are deleted. To remove them: distill sweep --remove',
  ],
  [
    { removed: true, blobs: 0, bytes: 0, checkpoints: 1, shared: 0 },
    'Removed: 1 checkpoint of jobs that are deleted.',
  ],
  [
    { removed: true, blobs: 0, bytes: 0, checkpoints: 0, shared: 2 },
    'Removed: 2 shared results that no job uses.',
  ],
  [
    { removed: true, blobs: 1200, bytes: 5, checkpoints: 0, shared: 0 },
    'Removed: 1,200 files (5 B) without a job.',
  ],
])('%j', (swept, line) => {
  expect(sweepLines(swept)).toBe(`  ${line}`);
});
