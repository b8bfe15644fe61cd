import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { checkLineage, teachersOf } from './lineage.ts';

type Spec = Parameters<typeof checkLineage>[0];
const network = { name: 'a' };
const spec = (changes: Partial<Spec>): Spec => ({
  procedure: 'offline',
  teacher: {},
  teachers: [{ name: 'wide' }],
  students: [{ name: 'a' }, { name: 'b', teacher: 'a' }, { name: 'c', teacher: ['b', 'wide'] }],
  ...changes,
});

/** What is refused, as `path: message`. */
function refused(changes: Partial<Spec>): string[] {
  const { error } = z.custom<Spec>().superRefine(checkLineage).safeParse(spec(changes));
  return (error?.issues ?? []).map(({ path, message }) => `${path.join('/')}: ${message}`);
}

describe('teachers', () => {
  test('are all of the job where a student names none', () => {
    const { students, ...rest } = spec({});
    expect(students.map((student) => teachersOf(rest, student))).toEqual([
      ['teacher', 'wide'],
      ['a'],
      ['b', 'wide'],
    ]);
  });

  test('may be students, over several steps', () => {
    expect(refused({})).toEqual([]);
  });

  test.each<[string, Partial<Spec>, string[]]>([
    ['none at all', { teacher: undefined }, ['teacher: is required, except with the procedure mutual']],
    [
      'a name that nothing has',
      { students: [{ name: 'a', teacher: 'x' }] },
      ['students/0/teacher: must be one of: teacher, wide, a'],
    ],
    [
      'one that is listed twice',
      { students: [{ name: 'a', teacher: ['wide', 'wide'] }] },
      ['students/0/teacher/1: is listed twice'],
    ],
    [
      'itself',
      { students: [{ name: 'a', teacher: 'a' }] },
      ['students/0/teacher: would make a learn from itself'],
    ],
    [
      'a ring',
      {
        students: [
          { name: 'a', teacher: 'b' },
          { name: 'b', teacher: ['wide', 'a'] },
        ],
      },
      [
        'students/0/teacher: would make a learn from itself',
        'students/1/teacher/1: would make b learn from itself',
      ],
    ],
    [
      'the name of a student',
      { teachers: [network], students: [network] },
      ['teachers/0/name: is the name of a student'],
    ],
    [
      'generations of nothing',
      { generations: 2 },
      ['generations: is only allowed with the procedure born_again'],
    ],
  ])('are refused: %s', (_what, changes, refusals) => {
    expect(refused(changes)).toEqual(refusals);
  });
});

describe('generations', () => {
  test('learn from teachers alone, and their names are their own', () => {
    const students = [{ name: 'a' }, { name: 'a-2', teacher: 'a' }];
    expect(refused({ procedure: 'born_again', students })).toEqual([
      'students/0/name: has a generation a-2, which is the name of another network',
      'students/1/teacher: must be one of: teacher, wide',
    ]);
    expect(refused({ procedure: 'born_again', students: [network], generations: 5 })).toEqual([]);
  });
});

describe('peers', () => {
  const peers = { procedure: 'mutual', teacher: undefined, teachers: [] } as const;

  test('need no teacher', () => {
    expect(refused({ ...peers, students: [network, { name: 'b' }] })).toEqual([]);
  });

  test('have none, and are more than one', () => {
    const why = 'is not allowed with the procedure mutual, in which the students teach each other';
    expect(refused({ procedure: 'mutual', students: [{ name: 'a', teacher: 'wide' }] })).toEqual([
      `teacher: ${why}`,
      `teachers: ${why}`,
      'students: must be at least two for the procedure mutual',
      `students/0/teacher: ${why}`,
    ]);
  });
});
