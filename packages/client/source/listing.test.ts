import { expect, test } from 'vitest';
import { listing } from './listing.ts';

const stored: Record<string, { items: number[]; next: string | null }> = {
  first: { items: [1, 2], next: 'b' },
  b: { items: [], next: 'c' },
  c: { items: [3], next: null },
};

function list() {
  const read: string[] = [];
  const numbers = listing(
    async (after = 'first') => {
      read.push(after);
      return stored[after];
    },
    { items: (page) => page.items, next: (page) => page.next },
  );
  return { numbers, read };
}

test('yields the items of all pages, each page when it is reached', async () => {
  const { numbers, read } = list();
  const seen: [number, number][] = [];
  for await (const one of numbers) seen.push([one, read.length]);
  expect(seen).toEqual([
    [1, 1],
    [2, 1],
    [3, 3],
  ]);
});

test('requests no page that nobody reaches', async () => {
  const { numbers, read } = list();
  expect(await numbers.toArray(2)).toEqual([1, 2]);
  expect(await numbers.page()).toBe(stored.first);
  expect(await numbers.toArray(0)).toEqual([]);
  expect(read).toEqual(['first', 'first']);
});

test('can be read again from its start', async () => {
  const { numbers } = list();
  expect(await numbers.toArray()).toEqual([1, 2, 3]);
  expect(await numbers.toArray()).toEqual([1, 2, 3]);
});
