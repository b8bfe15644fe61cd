import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { labelGap, placeLabels } from './place-labels.ts';

describe('labels at the ends of lines', () => {
  test('stay where they are when there is room', () => {
    expect(placeLabels([10, 90, 40])).toEqual([10, 90, 40]);
  });

  test('move apart around their middle, in the order of their lines', () => {
    expect(placeLabels([50, 50])).toEqual([42.5, 57.5]);
    expect(placeLabels([54, 50, 52])).toEqual([67, 37, 52]);
  });

  test('stay within the chart', () => {
    expect(placeLabels([2, 3, 100], { top: 6, bottom: 95 })).toEqual([6, 21, 95]);
  });

  test('never lie on each other, whatever the values', () => {
    const values = fc.array(fc.double({ min: 0, max: 300, noNaN: true }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(values, (wanted) => {
        const placed = placeLabels(wanted, { top: 0, bottom: 300 });
        const ascending = [...placed].sort((a, b) => a - b);
        for (const [index, y] of ascending.slice(1).entries()) {
          expect(y - ascending[index]).toBeGreaterThanOrEqual(labelGap - 1e-6);
        }
        const order = (list: readonly number[]) =>
          list.map((_, at) => at).sort((a, b) => list[a] - list[b] || a - b);
        expect(order(placed)).toEqual(order(wanted));
      }),
    );
  });
});
