import { expect, test } from 'vitest';
import { pointerOf, valueAt, withValue } from './edit.ts';

const spec = { students: [{ name: 'a', method: [{ type: 'hint' }, { type: 'pkt' }] }], seeds: [1] };

test('a value is set, made and removed at its place, and the rest is shared', () => {
  const changed = withValue(spec, ['students', 0, 'method', 1, 'weight'], 3) as typeof spec;
  expect(changed.students[0].method[1]).toEqual({ type: 'pkt', weight: 3 });
  expect(changed.seeds).toBe(spec.seeds);
  expect(spec.students[0].method[1]).toEqual({ type: 'pkt' });
  expect(withValue({}, ['training', 'optimizer', 'type'], 'sgd')).toEqual({
    training: { optimizer: { type: 'sgd' } },
  });
  expect(withValue(changed, ['students', 0, 'method', 0], undefined)).toMatchObject({
    students: [{ method: [{ type: 'pkt', weight: 3 }] }],
  });
  expect(withValue(spec, ['seeds'], undefined)).toEqual({ students: spec.students });
});

test('places are read, and named as the service names them', () => {
  expect(valueAt(spec, ['students', 0, 'method', 1, 'type'])).toBe('pkt');
  expect(valueAt(spec, ['teacher', 'architecture'])).toBeUndefined();
  expect(pointerOf(['students', 0, 'a/b~c'])).toBe('/students/0/a~1b~0c');
});
