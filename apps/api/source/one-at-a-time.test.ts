import { expect, test } from 'vitest';
import { oneAtATime } from './one-at-a-time.ts';

test('works run one after the other, also after one that fails', async () => {
  const inTurn = oneAtATime();
  const log: string[] = [];
  const work = (name: string) => async () => {
    log.push(`${name} begins`);
    await new Promise((resolve) => setImmediate(resolve));
    log.push(`${name} ends`);
    if (name === 'b') throw new Error('b failed');
    return name;
  };
  const [a, b, c] = ['a', 'b', 'c'].map((name) => inTurn(work(name)));
  await expect(b).rejects.toThrow('b failed');
  expect([await a, await c]).toEqual(['a', 'c']);
  expect(log).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
});
