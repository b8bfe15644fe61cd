import type { StagePlan } from '@distillery/spec';
import { expect, test } from 'vitest';
import { trainerThreads } from './trainer-environment.ts';

const stage = (id: string, kind: StagePlan['kind']): StagePlan => ({
  id,
  kind,
  needs: [],
  work: 1,
  input: {},
});
const plan = [
  stage('teacher', 'teacher'),
  stage('outputs', 'outputs'),
  stage('a', 'student'),
  stage('b', 'student'),
  stage('c', 'student'),
  stage('report', 'report'),
];

test.each([
  ['the teacher has all', plan[0], 4, 8, 8],
  ['and so have its outputs', plan[1], 4, 8, 8],
  ['students share', plan[2], 2, 8, 4],
  ['no more of them than there are', plan[2], 4, 9, 3],
  ['each has one at least', plan[2], 3, 2, 1],
  ['a student alone has all', plan[2], 1, 8, 8],
])('%s', (_, which, trainers, processors, threads) => {
  expect(trainerThreads(which, plan, trainers, processors)).toBe(threads);
});
