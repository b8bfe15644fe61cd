import { expect, test } from 'vitest';
import { sweepLines } from './sweep.ts';

test.each([
  [{ removed: false, blobs: 0, bytes: 0, checkpoints: 0 }, 'Nothing that no job needs.'],
  [
    { removed: false, blobs: 1, bytes: 2048, checkpoints: 2 },
    '1 file (2.0 KiB) that nothing names, 2 checkpoints of jobs that are deleted. To remove them: distill sweep --remove',
  ],
  [{ removed: true, blobs: 0, bytes: 0, checkpoints: 1 }, 'Removed: 1 checkpoint of jobs that are deleted.'],
  [
    { removed: true, blobs: 1200, bytes: 5, checkpoints: 0 },
    'Removed: 1,200 files (5 B) that nothing names.',
  ],
])('%j', (swept, line) => {
  expect(sweepLines(swept)).toBe(`  ${line}`);
});
