import { keptBlobs } from '../kept.ts';
import {
  DistilleryError,
  type JobPlan,
  type Registry,
  type Report,
  registry,
  type StagePlan,
} from '@distillery/spec';
import { areIntact, type Store } from '@distillery/store';
import type { z } from 'zod';
import { auxiliary } from './auxiliary.ts';
import { checkpointBlobs, checkpointsFolder } from './materials.ts';
import { mutual } from './mutual.ts';
import { outputs } from './outputs.ts';
import { report } from './report.ts';
import type { StageArtifacts, StageKind, StageNetwork, WithResult } from './stage.ts';
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
 * Whether everything that a stage's result names in the store is present and undamaged.
 *
 * @throws DistilleryError `store_unavailable`; `unsupported_job` for a kind or a result that this version does not know
 */
export async function isResultIntact(store: Store, stage: StagePlan, result: unknown): Promise<boolean> {
  const { blobs, manifests = [] } = artifactsOf(stage, result);
  if (!(await areIntact(store, blobs))) return false;
  for (const name of manifests) {
    const manifest = await store.manifest(name);
    if (manifest === undefined || !(await areIntact(store, blobsNamedBy(name, manifest)))) return false;
  }
  return true;
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
 * The digests of the blobs that a manifest of the store names: a stage's checkpoint, what people have brought (`kept.ts`), or
 * a result that jobs share.
 *
 * @throws DistilleryError `state_conflict` for a manifest that no stage kind knows: its blobs may still be in
 *   use by another version
 */
export function blobsNamedBy(name: string, manifest: unknown): string[] {
  const folder = name.slice(0, name.indexOf('/'));
  const shared = stageKinds.list.find((kind) => kind.shared?.folder === folder)?.shared;
  try {
    if (folder === checkpointsFolder) return checkpointBlobs(manifest);
    const kept = keptBlobs(folder, manifest);
    if (kept !== undefined) return kept;
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

export function kindOf({ id, kind }: StagePlan): StageKind {
  const found = stageKinds.list.find(({ type }) => type === kind);
  if (found !== undefined) return found;
  throw new DistilleryError(
    'unsupported_job',
    `this version does not know the kind ${kind} of the stage ${id}`,
  );
}

export function inputOf(kind: StageKind, { id, input }: StagePlan): Record<string, unknown> {
  const parsed = kind.options.safeParse(input);
  if (parsed.success) return parsed.data;
  throw unsupported(`the input of ${id}`, parsed.error);
}

export function resultOf<Result extends z.ZodType>(
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
