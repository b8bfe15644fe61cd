import type { Curve, JobView, StageView } from '@distillery/spec';
import { expect, test } from 'vitest';
import { curveOf, curvesOf, networksOf } from './job-networks.ts';

const stage = (id: string, kind: string, networks: [string, string | null][], seed: number | null = 1) =>
  ({ id, kind, seed, networks: networks.map(([name, control]) => ({ name, control })) }) as StageView;
const stages = [
  stage('teacher', 'teacher', [['teacher', null]], null),
  stage('student.control-small.1', 'student', [['control-small', null]]),
  stage('student.control-wide.1', 'student', [['control-wide', null]]),
  stage('student.soft.1', 'student', [['soft', 'control-small']]),
  stage('mutual.1', 'mutual', [
    ['a', 'control-small'],
    ['b', 'control-wide'],
  ]),
  stage('report', 'report', [], null),
];
const networks = networksOf({ stages } satisfies Pick<JobView, 'stages'>);

test('lists students that teach each other beside those that train alone', () => {
  expect(networks.students).toEqual(['control-small', 'control-wide', 'soft', 'a', 'b']);
  expect(networks.teachers).toEqual(['teacher']);
  expect(networks.stagesOf('b').map(({ id }) => id)).toEqual(['mutual.1']);
  expect(networks.roleOf('b')).toEqual({ role: 'student', place: 2 });
});

test('knows the control of each student before there is a report, of several too', () => {
  expect(networks.students.map(networks.controlOf)).toEqual([
    undefined,
    undefined,
    'control-small',
    'control-small',
    'control-wide',
  ]);
  expect(networks.alongWith('b')).toEqual(['teacher', 'control-wide']);
});

test('finds the curves of one network among those of a stage that trains several', () => {
  const names = ['a/loss', 'b/loss', 'epoch_a/loss', 'epoch_b/loss', 'a/validation_accuracy', 'learningRate'];
  const curves = names.map((name): Curve => ({ stage: 'mutual.1', name, epoch: [], step: [], value: [] }));
  const mutual = networks.stagesOf('a')[0];
  expect(curvesOf(curves, mutual, 'a').map(({ name }) => name)).toEqual([
    'loss',
    'epoch_loss',
    'validation_accuracy',
    'learningRate',
  ]);
  expect(curveOf(curves, mutual, 'b', 'loss')).toMatchObject({ name: 'loss' });
  expect(curveOf(curves, mutual, 'b', 'validation_accuracy')).toBeUndefined();
});
