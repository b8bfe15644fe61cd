import { randomStream } from '@distillery/engine/random';
import { trainingSchemas } from '@distillery/spec';
import { describe, expect, test } from 'vitest';
import { openAugmenter } from '../augmenter.ts';
import { transforms } from '../index.ts';
import { betaNumber } from './beta.ts';

function opened(type: string, shape: readonly number[], options: object = {}) {
  const kind = transforms.get(type);
  if (kind.changes !== 'pairs') throw new Error(`${type} changes ${kind.changes}`);
  return kind.open(kind.options.parse(options), shape);
}

describe.each(['mixup', 'cutmix'])('%s', (type) => {
  test.each([
    [8, 6, 3],
    [1, 1, 1],
    [1, 7, 2],
    [9, 1, 4],
  ])('of [%i, %i, %i] returns the share of the first image, which its bytes have', (...shape) => {
    const length = shape[0] * shape[1] * shape[2];
    const [black, white] = [new Uint8Array(length), new Uint8Array(length).fill(255)];
    const mix = opened(type, shape);
    for (let seed = 0; seed < 100; seed++) {
      const into = new Uint8Array(length).fill(3);
      const share = mix(white, black, randomStream(seed), into);
      const mean = into.reduce((sum, byte) => sum + byte, 0) / length / 255;
      expect(Math.abs(mean - share)).toBeLessThan(type === 'mixup' ? 0.5 / 255 + 1e-9 : 1e-9);
      // The same keys, the same bytes.
      const again = new Uint8Array(length);
      expect(mix(white, black, randomStream(seed), again)).toBe(share);
      expect(again).toEqual(into);
    }
  });
});

test('mixup by hand', () => {
  const into = new Uint8Array(3);
  const share = opened('mixup', [1, 1, 3])(
    Uint8Array.of(200, 0, 255),
    Uint8Array.of(100, 50, 255),
    randomStream(5),
    into,
  );
  expect([...into]).toEqual([Math.round(100 + 100 * share), Math.round(50 - 50 * share), 255]);
});

test('cutmix replaces one box', () => {
  const [height, width] = [12, 10];
  const mix = opened('cutmix', [height, width, 1]);
  for (let seed = 0; seed < 200; seed++) {
    const into = new Uint8Array(120);
    mix(new Uint8Array(120), new Uint8Array(120).fill(1), randomStream(seed), into);
    const rows = Array.from({ length: height }, (_, y) => into.subarray(y * width, (y + 1) * width).join(''));
    const cut = rows.filter((row) => row.includes('1'));
    expect(new Set(cut).size).toBeLessThanOrEqual(1);
    expect(cut[0] ?? '').toMatch(/^0*1*0*$/);
    const whole = rows.map((row) => (row.includes('1') ? '1' : '0')).join('');
    expect(whole).toMatch(/^0*1*0*$/);
  }
});

test.each([0.05, 0.2, 1, 4])('Beta(%d, itself) has its mean and deviation', (alpha) => {
  const stream = randomStream(1, 'beta', alpha);
  const values = Array.from({ length: 40_000 }, () => betaNumber(alpha, stream));
  expect(values.every((value) => value >= 0 && value <= 1)).toBe(true);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  expect(Math.abs(mean - 0.5)).toBeLessThan(0.012);
  expect(variance * 4 * (2 * alpha + 1)).toBeCloseTo(1, 1);
});

test('a share that is too small for a number is 0 or 1', () => {
  const stream = randomStream(2);
  const values = Array.from({ length: 300 }, () => betaNumber(0.01, stream));
  expect(values.every(Number.isFinite)).toBe(true);
  expect(values.filter((value) => value < 0.01 || value > 0.99).length).toBeGreaterThan(270);
});

describe('partners', () => {
  const pool = Int32Array.from({ length: 40 }, (_, i) => 3 * i + 1);
  const open = (...list: object[]) => {
    const augmentation = trainingSchemas(transforms).augmentation.parse({ transforms: list, seed: 8 });
    const { pairs } = openAugmenter(augmentation, [2, 2, 1], pool);
    if (pairs === undefined) throw new Error('it mixes nothing');
    return pairs;
  };
  const all = Array.from({ length: 400 }, (_, i) => i);

  test('are training samples, by seed, view and sample alone', () => {
    const [one, other] = [open({ type: 'mixup' }), open({ type: 'mixup' })];
    const partners = all.map((index) => one.partnerOf(index, 2));
    expect(partners.every((partner) => pool.includes(partner))).toBe(true);
    // Asked in another order, and about other samples in between.
    expect([...all].reverse().map((index) => other.partnerOf(index, 2))).toEqual([...partners].reverse());
    expect(all.map((index) => one.partnerOf(index, 3))).not.toEqual(partners);
    expect(new Set(partners).size).toBe(40);
  });

  test('the first kind that applies mixes a sample, and some stay alone', () => {
    const pairs = open({ type: 'cutmix', probability: 0.5 }, { type: 'mixup', probability: 0.5 });
    const kinds = all.map((index) => {
      if (pairs.partnerOf(index, 0) < 0) return 'alone';
      const into = new Uint8Array(4);
      const share = pairs.mix(new Uint8Array(4).fill(200), new Uint8Array(4), index, 0, into);
      return [0, 0.5, 0.75, 1].includes(share) ? 'cutmix' : 'mixup';
    });
    const count = (kind: string) => kinds.filter((one) => one === kind).length / 400;
    expect(Math.abs(count('cutmix') - 0.5)).toBeLessThan(0.08);
    expect(Math.abs(count('mixup') - 0.25)).toBeLessThan(0.08);
    expect(Math.abs(count('alone') - 0.25)).toBeLessThan(0.08);
    const alone = kinds.indexOf('alone');
    expect(() => pairs.mix(new Uint8Array(4), new Uint8Array(4), alone, 0, new Uint8Array(4))).toThrow(
      `sample ${alone} is not mixed in view 0`,
    );
  });
});
