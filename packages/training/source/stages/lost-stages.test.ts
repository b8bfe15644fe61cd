import { DistilleryError, type JobPlan, LostArtifacts } from '@distillery/spec';
import type { Store } from '@distillery/store';
import { expect, test } from 'vitest';
import { withLostStages } from './lost-stages.ts';

const plan: JobPlan = {
  version: 1,
  distillery: '0.0.0',
  stages: [
    { id: 'teacher', kind: 'teacher', needs: [], work: 1, input: {} },
    { id: 'outputs', kind: 'outputs', needs: ['teacher'], work: 1, input: {} },
  ],
};
// No stage has a result, so nothing is looked up.
const reason = (stage: string, error: unknown) =>
  withLostStages({} as Store, { plan, results: {} }, stage, error);

test('an artifact that is intact when it is looked at again was repaired meanwhile: the stage runs again', async () => {
  const found = await reason('outputs', new DistilleryError('checkpoint_not_found', 'gone'));
  expect(found).toBeInstanceOf(LostArtifacts);
  expect(found).toMatchObject({
    code: 'artifact_corrupt',
    stages: [],
    message: expect.stringMatching(/repaired meanwhile/),
  });
});

test('an artifact that no stage has made cannot be made again, and other errors are passed on', async () => {
  const given = new DistilleryError('artifact_corrupt', 'the weights of a stored teacher');
  expect(await reason('teacher', given)).toBe(given);
  const other = new DistilleryError('nan', 'diverged');
  expect(await reason('outputs', other)).toBe(other);
});
