import { engineNames } from '@distillery/engine';
import type { StagePlan } from '@distillery/spec';
import { settings } from '@distillery/spec/configuration';
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
  ['the teacher uses all', plan[0], 4, 8, 8],
  ['and so do its outputs', plan[1], 4, 8, 8],
  ['students share', plan[2], 2, 8, 4],
  ['among as many as there are', plan[2], 4, 9, 3],
  ['each uses at least one', plan[2], 3, 2, 1],
  ['a single student uses all', plan[2], 1, 8, 8],
])('%s', (_, which, trainers, processors, threads) => {
  expect(trainerThreads(which, plan, trainers, processors)).toBe(threads);
});

test.each(['auto', ...engineNames])('ENGINE accepts %s', (name) => {
  expect(settings.engine.type.codec.safeParse(name).success).toBe(true);
  expect(settings.engine.type.allowed).toContain(`"${name}"`);
});
