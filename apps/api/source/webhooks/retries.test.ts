import { expect, test } from 'vitest';
import { nextAttempt } from './retries.ts';

const hour = 3_600_000;
const rules = { firstMs: 5000, forMs: 24 * hour, disableMs: 1 };

test('pauses are three times as long each, up to six hours, until the time is over', () => {
  const pauses: number[] = [];
  for (let now = 0, attempts = 1; ; attempts++) {
    const next = nextAttempt(rules, { attempts, since: 0, now }, () => 0.5);
    if (next === undefined) break;
    pauses.push((next - now) / 1000);
    now = next;
  }
  expect(pauses).toEqual(
    [5, 15, 45, 135, 405, 1215, 3645, 10_935, 21_600, 21_600, 21_600].slice(0, pauses.length),
  );
  expect(pauses).toHaveLength(11);
});

test('a receiver may ask for a longer pause, up to an hour', () => {
  const pause = (retryAfterSeconds: number) =>
    nextAttempt(rules, { attempts: 1, since: 0, now: 0, retryAfterSeconds }, () => 0.5);
  expect([pause(0), pause(2), pause(60), pause(86_400)]).toEqual([5000, 5000, 60_000, hour]);
});

test('a pause varies by a quarter', () => {
  const pause = (random: number) => nextAttempt(rules, { attempts: 1, since: 0, now: 0 }, () => random);
  expect([pause(0), pause(1)]).toEqual([3750, 6250]);
});
