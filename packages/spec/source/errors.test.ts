import { expect, test } from 'vitest';
import { asDistilleryError, DistilleryError, type ErrorCode, errorTable } from './errors.ts';

const codes = Object.keys(errorTable) as ErrorCode[];

test.each(codes)('%s has a stable name, an HTTP error status and a title', (code) => {
  const { status, retryable, title } = errorTable[code];
  expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
  expect(status).toBeGreaterThanOrEqual(400);
  expect(status).toBeLessThan(600);
  expect(retryable).toBeTypeOf('boolean');
  expect(title).toMatch(/^[A-Z].*[^.]$/);
});

test('titles differ, so that a person can tell two errors apart', () => {
  expect(new Set(codes.map((code) => errorTable[code].title)).size).toBe(codes.length);
});

test('an error carries its row of the table, its fields and its cause', () => {
  const cause = new Error('ECONNREFUSED');
  const fields = [{ path: '/a', message: 'is bad' }];
  const error = new DistilleryError('redis_unavailable', 'no answer from 127.0.0.1:6379', { cause, fields });
  expect(error).toBeInstanceOf(Error);
  expect(error).toMatchObject({
    name: 'DistilleryError',
    code: 'redis_unavailable',
    status: 503,
    retryable: true,
    fields,
    cause,
  });
  expect('cause' in new DistilleryError('nan', 'diverged')).toBe(false);
});

test('what has no code becomes an internal error that keeps it', () => {
  const coded = new DistilleryError('nan', 'diverged');
  expect(asDistilleryError(coded)).toBe(coded);
  const plain = new TypeError('x is not a function');
  expect(asDistilleryError(plain)).toMatchObject({
    code: 'internal',
    status: 500,
    message: 'x is not a function',
    cause: plain,
  });
  expect(asDistilleryError('thrown string')).toMatchObject({ code: 'internal', message: 'thrown string' });
});
