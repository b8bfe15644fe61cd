import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { randomStream } from '@distillery/engine/random';
import { idxFile } from './array-files.ts';

const [side, lines] = [28, 4];

/**
 * Writes grey images of 28×28 as the four files of MNIST, two of them packed: the class is the direction of bright lines
 * over noise.
 */
export async function writeDigits(folder: string, counts: { train: number; test: number }): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, count] of [
    ['train', counts.train],
    ['t10k', counts.test],
  ] as const) {
    const pixels = Buffer.alloc(count * side * side);
    for (let index = 0; index < count; index++) {
      const stream = randomStream(0, 'digits', name, index);
      const phase = stream.below(lines);
      for (let y = 0; y < side; y++)
        for (let x = 0; x < side; x++) {
          const along = [x, y, x + y][index % 3];
          const value = ((along + phase) % lines < lines / 2 ? 160 : 40) + stream.below(80);
          pixels[(index * side + y) * side + x] = value;
        }
    }
    const labels = Buffer.from(Array.from({ length: count }, (_, index) => index % 3));
    await writeFile(
      join(folder, `${name}-images-idx3-ubyte.gz`),
      gzipSync(idxFile([count, side, side], pixels)),
    );
    await writeFile(join(folder, `${name}-labels-idx1-ubyte`), idxFile([count], labels));
  }
}

/** A table of two classes inside and outside of a ring, over columns of very different sizes, some numbers missing. */
export function syntheticTable(count: number, seed = 0): string {
  const rows = Array.from({ length: count }, (_, index) => {
    const stream = randomStream(seed, 'table', index);
    const [x, y] = [2 * stream.uniform() - 1, 2 * stream.uniform() - 1];
    const label = x * x + y * y < 0.6 ? 'inside' : 'outside';
    return `${index % 50 === 0 ? '' : 1000 * x + 5000},${label},${y / 1000}\n`;
  });
  return `x,label,y\n${rows.join('')}`;
}
