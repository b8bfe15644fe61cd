import { expect, test } from 'vitest';
import { fuzzKinds } from './kinds.ts';
import { runKind } from './run-kind.ts';

// `npm run fuzz:archives` reads more of them.

test.each(fuzzKinds.filter((kind) => /image|zip|tar|weights|WebDataset/.test(kind)))(
  'damaged files are read or refused in bounded memory, and write nothing outside: %s',
  { timeout: 120_000 },
  async (kind) => {
    const { faults, read, refused, peakBytes } = await runKind({
      kind,
      first: 0,
      files: 12,
      seed: 20_261_128,
    });
    expect(faults).toEqual([]);
    expect(read + refused).toBeGreaterThan(11);
    expect(peakBytes).toBeLessThan(1.5 * 2 ** 30);
  },
);
