import { expect, test } from 'vitest';
import { canonicalJson, digestOf, sha256 } from './digest.ts';

test('sorts keys at every depth and leaves out space and undefined fields', () => {
  expect(canonicalJson({ b: [1, { d: null, c: true }], a: 'x', z: undefined })).toBe(
    '{"a":"x","b":[1,{"c":true,"d":null}]}',
  );
});

test('sorts keys by UTF-16 code units, as RFC 8785 does', () => {
  // The example of RFC 8785, section 3.2.3, less its control characters.
  const names = ['\u20ac', '\u0080', '\u00f6', '\ud83d\ude00', '1', '\ufb33'];
  const sorted = JSON.parse(canonicalJson(Object.fromEntries(names.map((name) => [name, 0]))));
  expect(Object.keys(sorted)).toEqual(['1', '\u0080', '\u00f6', '\u20ac', '\ud83d\ude00', '\ufb33']);
});

test('writes numbers as JavaScript does, so that 1.0 and -0 have one form', () => {
  expect(canonicalJson([1.0, -0, 1e21, 0.1, 1e-7])).toBe('[1,0,1e+21,0.1,1e-7]');
});

test('keeps the order of arrays', () => {
  expect(digestOf([1, 2])).not.toBe(digestOf([2, 1]));
});

test.each([Number.NaN, Number.POSITIVE_INFINITY])('refuses %d, which JSON would turn into null', (value) => {
  expect(() => canonicalJson({ deep: [value] })).toThrow(RangeError);
});

test.each([[undefined], [() => 1], [1n]])('refuses what is no JSON value: %s', (value) => {
  expect(() => canonicalJson([value])).toThrow(TypeError);
});

test('a digest does not depend on the order of keys, and is the SHA-256 of the canonical bytes', () => {
  expect(digestOf({ a: 1, b: 2 })).toBe(digestOf({ b: 2, a: 1 }));
  // sha256 of `{"a":1}`, from coreutils.
  expect(digestOf({ a: 1 })).toBe('015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862');
});

test('sha256 takes strings as UTF-8', () => {
  expect(sha256('')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  expect(sha256('é')).toBe(sha256(Uint8Array.of(0xc3, 0xa9)));
});
