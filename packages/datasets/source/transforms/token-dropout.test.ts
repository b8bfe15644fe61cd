import { randomStream } from '@distillery/engine/random';
import { expect, test } from 'vitest';
import { transforms } from './index.ts';

function dropped(ids: Uint16Array, seed: number, options: object = {}): Uint16Array {
  const kind = transforms.get('token_dropout');
  if (kind.changes !== 'tokens') throw new Error('it changes no tokens');
  const into = new Uint16Array(ids.length).fill(9999);
  kind.open(kind.options.parse(options))(ids, randomStream(seed), into);
  return into;
}

const text = Uint16Array.from({ length: 50 }, (_, i) => (i < 40 ? 1 + ((i * 977) % 60_000) : 0));

test('drops tokens to padding with the probability, and leaves the others where they are', () => {
  let lost = 0;
  for (let seed = 0; seed < 300; seed++) {
    const result = dropped(text, seed, { probability: 0.25 });
    expect(result.every((id, i) => id === 0 || id === text[i])).toBe(true);
    expect(dropped(text.slice(), seed, { probability: 0.25 })).toEqual(result);
    lost += result.subarray(0, 40).filter((id) => id === 0).length;
  }
  expect(Math.abs(lost / 300 / 40 - 0.25)).toBeLessThan(0.02);
  expect(dropped(text, 1)).not.toEqual(dropped(text, 2));
  expect(dropped(text, 1, { probability: 0 })).toEqual(text);
});

test('one token of a text stays, any of them, and an empty text stays empty', () => {
  const kept = new Set<number>();
  for (let seed = 0; seed < 200; seed++) {
    const result = dropped(Uint16Array.of(5, 6, 7, 0), seed, { probability: 0.99 });
    expect(result.some((id) => id !== 0)).toBe(true);
    result.filter((id) => id !== 0).forEach((id) => kept.add(id));
  }
  expect(kept).toEqual(new Set([5, 6, 7]));
  expect(dropped(new Uint16Array(4), 3)).toEqual(new Uint16Array(4));
});
