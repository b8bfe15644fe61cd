import { expect, test } from 'vitest';
import { jobSpec } from '../kinds.ts';
import { planJob } from './plan.ts';

const network = { architecture: { type: 'lightnn' } };
const method = [{ type: 'soft_target' }, { type: 'cross_entropy' }];

function specOf(over: object = {}) {
  return {
    dataset: { source: 'shapes', trainCount: 100, testCount: 50 },
    teacher: network,
    students: [
      { name: 'small', ...network, method },
      { name: 'large', architecture: { type: 'deepnn' }, method },
    ],
    ...over,
  };
}

async function planned(over: object, capabilities?: string[][]) {
  const context = { cacheDir: '', roots: [], ...(capabilities && { capabilities }) };
  const { plan, resolved } = await planJob(jobSpec.parse(specOf(over)), context);
  return {
    warnings: plan.warnings,
    requires: Object.fromEntries(resolved.stages.map((s) => [s.id, s.requires])),
  };
}

test('stages require the resources of their student, else those of the job; the report none', async () => {
  const { students } = specOf();
  const gpu = { engine: 'gpu', gpuMemory: '16 GiB' };
  const { requires } = await planned({
    training: { precision: 'bfloat16' },
    resources: { labels: ['eu'] },
    students: [students[0], { ...students[1], resources: gpu }],
  });
  const large = ['gpu', `gpuMemory>=${16 * 1024 ** 3}`, 'bfloat16'];
  expect(requires).toEqual({
    teacher: ['label:eu', 'bfloat16'],
    outputs: ['label:eu'],
    'student.control-lightnn.42': ['label:eu', 'bfloat16'],
    'student.control-deepnn.42': large,
    'student.small.42': ['label:eu', 'bfloat16'],
    'student.large.42': large,
    report: undefined,
  });
});

test('a plan warns of stages that no running worker can run', async () => {
  const resources = { engine: 'gpu' };
  const waits = (await planned({ resources }, [['cpu', 'bfloat16']])).warnings;
  expect(waits).toContain(
    'no running worker has a GPU: teacher, outputs, student.control-lightnn.42 and 3 more would wait until one is started',
  );
  expect((await planned({ resources }, [['cpu'], ['gpu']])).warnings).toEqual(
    (await planned({}, [['cpu']])).warnings,
  );
});

test('peers are trained by one stage, so that they have no resources of their own', async () => {
  const { students } = specOf();
  const mutual = { teacher: undefined, procedure: 'mutual' };
  const peers = students.map((one) => ({
    ...one,
    method: [{ type: 'cross_entropy' }],
    resources: { engine: 'cpu' },
  }));
  const { error } = jobSpec.safeParse(specOf({ ...mutual, students: peers }));
  expect(error?.issues.map(({ path }) => path.join('.'))).toContain('students.0.resources');
});
