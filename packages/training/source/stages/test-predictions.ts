import { DistilleryError, type JobPlan } from '@distillery/spec';
import type { Store } from '@distillery/store';
import type { z } from 'zod';
import { guidesOf, jobTeachers, studentsOf } from '../planning/students.ts';
import { supportedSpec } from '../planning/supported.ts';
import { meanOf } from '../scores.ts';
import type { AboutData } from './about-data.ts';
import type { blobSchema } from './blob.ts';
import { networksOf, resultOf, stageKinds } from './index.ts';
import { outputs } from './outputs.ts';
import type { StageNetwork } from './stage.ts';

/** A network with the logits of its best weights for the job's test samples. */
interface Predicted extends Pick<StageNetwork, 'name' | 'role' | 'seed'> {
  stage: string;
  logits: z.output<typeof blobSchema>;
}

/** What the stages of a job that have succeeded know of the test set. */
export interface TestPredictions {
  data: AboutData;
  networks: Predicted[];
  /** The teachers whose outputs are given for the training samples alone. */
  untested: string[];
}

/**
 * Returns the predictions of a job's networks for its test samples; undefined before the first network is trained on the job's
 * data. A teacher that was trained on other data is among them once its outputs are stored.
 *
 * @throws DistilleryError `unsupported_job` for stages or results that this version does not know
 */
export function testPredictions(
  { stages }: JobPlan,
  results: Readonly<Record<string, unknown>>,
): TestPredictions | undefined {
  const trained = stages.flatMap((stage) =>
    networksOf(stage, results[stage.id]).flatMap(({ trained: found, ...network }) =>
      found === undefined ? [] : [{ ...network, stage: stage.id, ...found }],
    ),
  );
  const data = trained.find(({ role }) => role === 'student')?.data;
  if (data === undefined) return undefined;
  const mapped = new Map(
    stages.flatMap((stage) => {
      if (stage.kind !== outputs.type || results[stage.id] === undefined) return [];
      const { testLogits } = resultOf(outputs, stage, results[stage.id]);
      return testLogits === undefined ? [] : [[stage.networks?.[0].name, testLogits] as const];
    }),
  );
  const untested = stages.flatMap((stage) => {
    if (stage.kind !== outputs.type || results[stage.id] === undefined) return [];
    const { trained: from } = outputs.options.parse(stage.input);
    const { given } = resultOf(outputs, stage, results[stage.id]);
    return from === undefined && given === undefined ? (stage.networks ?? []).map(({ name }) => name) : [];
  });
  const networks = trained.flatMap(({ name, role, seed, stage, result, data: own }): Predicted[] => {
    const foreign = role === 'teacher' ? mapped.get(name) : undefined;
    if (foreign === undefined && own.digest !== data.digest) return [];
    return [{ name, role, seed, stage, logits: foreign ?? result.best.logits }];
  });
  return { data, networks, untested };
}

/** The test logits of a student with those that it is compared with. */
export interface Compared {
  student: Float32Array;
  teacher: Float32Array;
  control: Float32Array | null;
}

/**
 * Reads the test logits of a student with one seed, of its teachers and of its control. For several teachers they are the weighted mean, as
 * in the report.
 *
 * @throws DistilleryError `student_not_found`, `teacher_not_found`, `unsupported_job`; `not_ready` while one of them is not trained; those of the store
 */
export async function comparedLogits(
  store: Store,
  { plan, spec: stored }: { plan: JobPlan; spec: unknown },
  { networks, untested }: TestPredictions,
  { name, seed }: { name: string; seed: number },
): Promise<Compared> {
  const spec = supportedSpec(stored, plan, stageKinds.list);
  const found = studentsOf(spec).find((one) => one.name === name);
  if (found === undefined) throw new DistilleryError('student_not_found', `the job has no student ${name}`);
  if (!spec.seeds.includes(seed))
    throw new DistilleryError(
      'student_not_found',
      `${name} has no seed ${seed}; its seeds are: ${spec.seeds.join(', ')}`,
    );
  const guides = guidesOf(jobTeachers(spec), found);
  if (guides.length === 0)
    throw new DistilleryError('teacher_not_found', `${name} learns from its peers and has no teacher`);
  const logits = async (wanted: string): Promise<Float32Array> => {
    const one = networks.find((other) => other.name === wanted && (other.seed ?? seed) === seed);
    if (untested.includes(wanted)) {
      const message = `the teacher ${wanted} is given as outputs for the training samples alone`;
      throw new DistilleryError('teacher_not_found', message);
    }
    if (one === undefined) throw new DistilleryError('not_ready', `${wanted} is not trained yet`);
    return new Float32Array((await store.read(one.logits.digest)).slice().buffer);
  };
  return {
    student: await logits(name),
    teacher: meanOf(
      await Promise.all(guides.map((guide) => logits(guide.name))),
      guides.map(({ weight }) => weight),
    ),
    control: found.control === null ? null : await logits(found.control),
  };
}
