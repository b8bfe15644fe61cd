import { expect, test } from 'vitest';
import { partsOf } from './split-stream.ts';

async function* stream(...sizes: (number | 'fails')[]): AsyncGenerator<Uint8Array> {
  let next = 0;
  for (const size of sizes) {
    if (size === 'fails') throw new Error('aborted');
    yield Uint8Array.from({ length: size }, () => next++);
  }
}

async function split(most: number, partBytes: number, ...sizes: (number | 'fails')[]) {
  const source = partsOf(stream(...sizes), { most, partBytes, partMs: 60_000 });
  const parts: number[][] = [];
  for await (const part of source.parts) {
    const bytes: number[] = [];
    for await (const chunk of part) bytes.push(...chunk);
    parts.push(bytes);
  }
  return { parts, cut: source.cut(), exceeded: source.exceeded() };
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

test('splits chunks of any size into parts, without an empty one', async () => {
  const whole = { cut: false, exceeded: false };
  expect(await split(100, 4, 3, 6, 1)).toEqual({ parts: [range(0, 4), range(4, 8), range(8, 10)], ...whole });
  expect(await split(100, 5, 10)).toEqual({ parts: [range(0, 5), range(5, 10)], ...whole });
  expect(await split(100, 5)).toEqual({ parts: [], ...whole });
});

test('keeps what came before a failure', async () => {
  expect(await split(100, 4, 3, 3, 'fails')).toEqual({
    parts: [range(0, 4), range(4, 6)],
    cut: true,
    exceeded: false,
  });
});

test('takes no more bytes than allowed, and tells of more', async () => {
  const { parts, exceeded } = await split(5, 4, 3, 3);
  expect([parts.flat(), exceeded]).toEqual([range(0, 5), true]);
  expect((await split(6, 4, 3, 3)).exceeded).toBe(false);
  expect((await split(6, 4, 6, 1)).exceeded).toBe(true);
});
