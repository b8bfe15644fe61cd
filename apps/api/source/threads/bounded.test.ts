import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { bounded } from './bounded.ts';

test('works run in order and within bounds, also after one that fails', async () => {
  const inTurn = bounded('works', { atOnce: 2, waiting: 2 });
  const log: string[] = [];
  const work = (name: string) => async () => {
    log.push(`${name} begins`);
    await setImmediate();
    log.push(`${name} ends`);
    if (name === 'b') throw new Error('b failed');
    return name;
  };
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => inTurn(work(name)));
  await expect(inTurn(work('e'))).rejects.toMatchObject({
    code: 'overloaded',
    message: '2 works run and 2 wait, which is the most; send the request again later',
  });
  await expect(b).rejects.toThrow('b failed');
  expect(await Promise.all([a, c, d])).toEqual(['a', 'c', 'd']);
  expect(log.slice(0, 2)).toEqual(['a begins', 'b begins']);
  expect(log.indexOf('c begins')).toBeGreaterThan(log.indexOf('a ends'));
  expect(log.indexOf('d begins')).toBeGreaterThan(log.indexOf('b ends'));
  expect(log).toHaveLength(8);
  // All places are free again.
  expect(await Promise.all(['f', 'g', 'h', 'i'].map((name) => inTurn(work(name))))).toHaveLength(4);
});
