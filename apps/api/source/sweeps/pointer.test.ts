import { expect, test } from 'vitest';
import { setAt } from './pointer.ts';

test('sets values in objects and lists, and makes objects that are missing', () => {
  const tree = { students: [{ method: [{ type: 'soft_target' }] }], 'a/b': { '~': 1 } };
  expect(setAt(tree, '/students/0/method/0/temperature', 4)).toBeUndefined();
  expect(setAt(tree, '/training/optimizer/learningRate', 0.1)).toBeUndefined();
  expect(setAt(tree, '/a~1b/~0', 2)).toBeUndefined();
  expect(tree).toEqual({
    students: [{ method: [{ type: 'soft_target', temperature: 4 }] }],
    'a/b': { '~': 2 },
    training: { optimizer: { learningRate: 0.1 } },
  });
});

test('tells where a pointer leads nowhere', () => {
  const tree = { students: [{}], seed: 1 };
  expect(setAt(tree, '/students/1/name', 'x')).toBe(
    'leads nowhere: the list /students has 1 entry, counted from 0',
  );
  expect(setAt(tree, '/students/-', 'x')).toContain('leads nowhere');
  expect(setAt(tree, '/students/00', 'x')).toContain('leads nowhere');
  expect(setAt(tree, '/seed/a', 'x')).toBe('leads nowhere: /seed is 1');
  expect(tree).toEqual({ students: [{}], seed: 1 });
});

test('does not reach prototypes', () => {
  const tree = {};
  for (const path of ['/__proto__/x', '/constructor/prototype/x', '/a/__proto__']) {
    expect(setAt(tree, path, 1), path).toContain('is not an option of a job');
  }
  expect(({} as { x?: unknown }).x).toBeUndefined();
});
