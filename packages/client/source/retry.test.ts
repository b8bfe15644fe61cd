import { expect, test } from 'vitest';
import { ApiError } from './api-error.ts';
import { ConnectionError } from './connection-error.ts';
import { isTransient, pauseMs } from './retry.ts';

test('pauses double up to 8 seconds, and only a random part of each is waited', () => {
  const longest = [1, 2, 3, 4, 5, 6, 7, 50].map((attempt) => pauseMs(attempt, undefined, () => 1));
  expect(longest).toEqual([250, 500, 1000, 2000, 4000, 8000, 8000, 8000]);
  expect(pauseMs(3, undefined, () => 0.25)).toBe(250);
});

test('a pause is never shorter than the service asks for', () => {
  expect(pauseMs(1, new ApiError(503, {}, 5), () => 0)).toBe(5000);
  expect(pauseMs(1, new ApiError(503, {}, 61), () => 0)).toBeUndefined();
});

test('only failures that may pass are transient', () => {
  expect(isTransient(new ConnectionError('http://x', new Error('cut')))).toBe(true);
  expect(isTransient(new ApiError(503, {}))).toBe(true);
  // A quota does not free itself; a rate has a time at which it does.
  expect([new ApiError(429, {}), new ApiError(429, {}, 3)].map(isTransient)).toEqual([false, true]);
  expect(isTransient(new TypeError('a mistake in the program'))).toBe(false);
});
