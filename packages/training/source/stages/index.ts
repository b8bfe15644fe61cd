import {
  DistilleryError,
  type JobPlan,
  type Registry,
  type Report,
  registry,
  type StagePlan,
} from '@distillery/spec';
import type { z } from 'zod';
import { supportedSpec } from '../planning/supported.ts';
import { auxiliary } from './auxiliary.ts';
import { checkpointBlobs, checkpointsFolder } from './materials.ts';
import { mutual } from './mutual.ts';
import { outputs } from './outputs.ts';
import { report } from './report.ts';
import type { StageArtifacts, StageContext, StageKind, StageNetwork, WithResult } from './stage.ts';
import { student } from './student.ts';
import { teacher } from './teacher.ts';

/** The kinds of stages. A kind comes after those whose stages it plans its own from. */
export const stageKinds: Registry<StageKind> = registry<StageKind>([
  teacher,
  auxiliary,
  student,
  mutual,
  outputs,
  report,
]);

/**
 * The networks that a planned stage trains.
 *
 * @param result what the stage returned; absent: it has not succeeded yet
 * @throws DistilleryError `unsupported_job` for a kind, an input or a result that this version does not know
 */
export function networksOf(stage: StagePlan, result?: unknown): StageNetwork[] {
  const kind = kindOf(stage);
  const input = inputOf(kind, stage);
  return kind.networks?.(input, result === undefined ? undefined : resultOf(kind, stage, result)) ?? [];
}

/**
 * The blobs and manifests that a stage's result names in the store.
 *
 * @throws DistilleryError `unsupported_job` for a kind or a result that this version does not know
 */
export function artifactsOf(stage: StagePlan, result: unknown): StageArtifacts {
  const kind = kindOf(stage);
  return kind.artifacts(resultOf(kind, stage, result));
}

/**
 * The report among the results of a job; undefined until the stage that writes it has succeeded.
 *
 * @throws DistilleryError `unsupported_job` for a result that this version does not know
 */
export function reportOf(
  { stages }: JobPlan,
  results: Readonly<Record<string, unknown>>,
): Report | undefined {
  for (const stage of stages) {
    const result = results[stage.id];
    const kind = stageKinds.list.find(({ type }) => type === stage.kind);
    if (kind?.report !== undefined && result !== undefined) return kind.report(resultOf(kind, stage, result));
  }
  return undefined;
}

/**
 * The digests of the blobs that a manifest of the store names: a stage's checkpoint, or a result that jobs share.
 *
 * @throws DistilleryError `state_conflict` for a manifest that no stage kind knows: its blobs may still be in
 *   use by another version
 */
export function blobsNamedBy(name: string, manifest: unknown): string[] {
  const folder = name.slice(0, name.indexOf('/'));
  const shared = stageKinds.list.find((kind) => kind.shared?.folder === folder)?.shared;
  try {
    if (folder === checkpointsFolder) return checkpointBlobs(manifest);
    if (shared !== undefined) return shared.blobs(manifest);
  } catch (cause) {
    throw new DistilleryError(
      'state_conflict',
      `the manifest ${name} was written by another version of Distillery`,
      {
        cause,
      },
    );
  }
  throw new DistilleryError('state_conflict', `this version does not know the kind of the manifest ${name}`);
}

/** The folders of the store that hold results that jobs share. */
export function sharedFolders(): string[] {
  return stageKinds.list.flatMap(({ shared }) => shared?.folder ?? []);
}

/** The input of a trainer that runs a stage. */
export interface StageTask extends Omit<StageContext, 'job' | 'stage' | 'input' | 'result' | 'network'> {
  /** The job; its spec is as stored in the job's record. */
  job: { id: string; name: string | null; spec: unknown };
  plan: JobPlan;
  /** The stage's id. */
  stage: string;
  /** The results of earlier stages, by id. */
  results: Readonly<Record<string, unknown>>;
}

/**
 * Runs one stage of a job.
 *
 * @returns the result as plain JSON, as in the result schema of the stage's kind
 * @throws StopTraining when the stage must end early; DistilleryError with the reason when it fails: `unsupported_job`
 *   when another version of Distillery planned a stage that this one does not know
 */
export async function runStage({ job, plan, stage: id, results, ...task }: StageTask): Promise<unknown> {
  const spec = supportedSpec(job.spec, plan, stageKinds.list);
  const stage = stageOf(id);
  const kind = kindOf(stage);
  const output = await kind.run({
    ...task,
    job: { ...job, spec },
    stage,
    input: inputOf(kind, stage),
    result<Result extends z.ZodType>(wanted: WithResult<Result>, other: string): z.output<Result> {
      const found = stageOf(other);
      if (found.kind !== wanted.type) {
        throw new DistilleryError(
          'internal',
          `${other} is a stage of the kind ${found.kind}, expected ${wanted.type}`,
        );
      }
      return resultOf(wanted, found, earlier(other));
    },
    network({ stage: other, network }) {
      const networks = networksOf(stageOf(other), earlier(other));
      const { trained } = networks.find(({ name }) => name === network) ?? {};
      if (trained === undefined) throw new DistilleryError('internal', `${other} has not trained ${network}`);
      return trained;
    },
  });
  return kind.result.parse(output);

  function stageOf(wanted: string): StagePlan {
    const found = plan.stages.find((one) => one.id === wanted);
    if (found === undefined) throw new DistilleryError('internal', `the job has no stage ${wanted}`);
    return found;
  }

  function earlier(other: string): unknown {
    if (results[other] === undefined) throw new DistilleryError('internal', `${other} has no result yet`);
    return results[other];
  }
}

function kindOf({ id, kind }: StagePlan): StageKind {
  const found = stageKinds.list.find(({ type }) => type === kind);
  if (found !== undefined) return found;
  throw new DistilleryError(
    'unsupported_job',
    `this version does not know the kind ${kind} of the stage ${id}`,
  );
}

function inputOf(kind: StageKind, { id, input }: StagePlan): Record<string, unknown> {
  const parsed = kind.options.safeParse(input);
  if (parsed.success) return parsed.data;
  throw unsupported(`the input of ${id}`, parsed.error);
}

function resultOf<Result extends z.ZodType>(
  { result: schema }: WithResult<Result>,
  { id }: StagePlan,
  result: unknown,
): z.output<Result> {
  const parsed = schema.safeParse(result);
  if (parsed.success) return parsed.data;
  throw unsupported(`the result of ${id}`, parsed.error);
}

function unsupported(what: string, cause: z.ZodError): DistilleryError {
  const [{ path, message }] = cause.issues;
  return new DistilleryError(
    'unsupported_job',
    `${what} was written by another version of Distillery: /${path.join('/')}: ${message}`,
    { cause },
  );
}
