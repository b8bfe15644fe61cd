import { DistilleryError, fieldErrors, type JobPlan, type JobSpec } from '@distillery/spec';
import { jobSpec } from '../kinds.ts';
import { version } from '../version.ts';

/** Raise it whenever a stage's input or result changes its meaning: workers of another version then refuse the plan. */
export const planVersion = 1;

/**
 * Reads a job's spec as it was stored when the job was planned.
 *
 * @throws DistilleryError `unsupported_job` when this version does not know the plan's version, a stage kind of the plan,
 *   or a field of the spec. It is retryable, because another worker may have the version that planned the job
 */
export function supportedSpec(spec: unknown, plan: JobPlan, kinds: readonly { type: string }[]): JobSpec {
  if (plan.version !== planVersion) {
    throw refusal(plan, `its plan has version ${plan.version}, expected ${planVersion}`);
  }
  const unknown = plan.stages.find(({ kind }) => !kinds.some(({ type }) => type === kind));
  if (unknown !== undefined) throw refusal(plan, `unknown stage kind ${unknown.kind} of ${unknown.id}`);
  const parsed = jobSpec.safeParse(spec);
  if (parsed.success) return parsed.data;
  const fields = fieldErrors(parsed.error, spec);
  const unrecognized = new Set(
    parsed.error.issues.flatMap((issue) => (issue.code === 'unrecognized_keys' ? issue.keys : [])),
  );
  const [{ path, message }] = fields;
  const isUnknown = unrecognized.has(path.slice(path.lastIndexOf('/') + 1));
  throw refusal(plan, isUnknown ? `unknown field ${path}` : `field ${path}: ${message}`);
}

function refusal({ distillery }: JobPlan, why: string): DistilleryError {
  return new DistilleryError(
    'unsupported_job',
    `this worker is version ${version}, the job was planned by ${distillery}: ${why}`,
  );
}
