import { expect, test } from 'vitest';
import { compareSteps, type Measured } from '../bench/compare.ts';
import { page } from '../bench/page.ts';
import type { Answer, Precision, Row } from '../bench/protocol.ts';

const row: Row = { network: 'vgg 8', task: 'plain', precision: 'float32' };

/** A contender whose steps take that long; a text is the reason why it refuses. */
function contender(milliseconds: number | string, megabytes = 500) {
  const asked: number[] = [];
  return {
    asked,
    async ask({ steps }: { steps: number }): Promise<Answer> {
      asked.push(steps);
      if (typeof milliseconds === 'string') return { refused: milliseconds };
      // The first two steps of a round are slow, and must not count.
      const each = Array.from({ length: steps }, (_, step) => (step < 2 ? 9 : 1) * milliseconds);
      return { milliseconds: each, peakBytes: megabytes * 1e6, version: 'any' };
    },
  };
}

function pageOf(rows: Measured[], refusals: Partial<Record<Precision, string>> = {}): string {
  return page({ rows, beside: [], refusals, steps: 6, rounds: 3, threads: 2, train: 1280, load: 0 });
}

test('a row compares ours with the fastest way of PyTorch', async () => {
  const asked = { ours: contender(200, 700), pytorch: contender(900), channels_last: contender(300, 600) };
  const text = pageOf([await compareSteps(row, asked, { rounds: 3, steps: 6 })]);
  expect(text.replaceAll(/ +/g, ' ')).toContain(
    '| vgg 8 | 200 ms | – | 900 ms | **300 ms** | – | 700 MB | 500 MB | **1.50** |',
  );
  expect(text).toContain('**Ours is slower than the fastest PyTorch:** nowhere.');
  expect(text).toContain('- plain step, float32: vgg 8 1.40 times');
  // A round of warm-up, then three of six steps, each after two that do not count.
  expect(asked.ours.asked).toEqual([4, 8, 8, 8]);
});

test('short steps fill half a second', async () => {
  const ours = contender(10);
  await compareSteps(row, { ours }, { rounds: 1, steps: 6 });
  expect(ours.asked).toEqual([4, 52]);
});

test('a contender that refuses does not stop the others', async () => {
  const ours = contender('no such kernel');
  const asked = { ours, eager: contender(20), pytorch: contender(30) };
  const text = pageOf([await compareSteps(row, asked, { rounds: 2, steps: 1 })]);
  expect(text.replaceAll(/ +/g, ' ')).toContain(
    '| vgg 8 | failed | 20.0 ms | **30.0 ms** | – | – | – | 500 MB | – |',
  );
  expect(text).toContain('Failed: vgg 8, plain step, ours. The reason: no such kernel');
  expect(ours.asked).toHaveLength(1);
});

test('what is slower is listed, and a precision that was not measured', async () => {
  const asked = { ours: contender(200), eager: contender(100), pytorch: contender(150) };
  const text = pageOf([await compareSteps(row, asked, { rounds: 1, steps: 1 })], {
    bfloat16: 'no processor',
  });
  expect(text).toContain(
    '**Ours is slower than the fastest PyTorch:**\n\n- plain step, float32: vgg 8 0.75\n',
  );
  expect(text).toContain('**Ours is slower compiled than eager:**\n\n- plain step, float32: vgg 8 0.50\n');
  expect(text).toContain('bfloat16 was not measured: no processor');
});
