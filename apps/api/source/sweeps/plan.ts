import {
  DistilleryError,
  type FieldError,
  generationName,
  defaultGenerations,
  type JobPlan,
  type JobSpec,
  type JobSpecInput,
  maxTrials,
  type NewSweep,
  type Plan,
  type SweepPlan,
} from '@distillery/spec';
import { combinationsOf, type Values } from './combinations.ts';
import { rungsOf } from './halving.ts';
import { escapePointer, isWithin } from './pointer.ts';
import { reservedPaths, trialSpec } from './trial-spec.ts';

/** The most stages of all jobs of a sweep. */
const maxStages = 20_000;

/** A trial as it is planned, as a job that trains to the end. */
export interface PlannedTrial {
  spec: JobSpec;
  plan: Plan;
  resolved: JobPlan;
}

/**
 * Checks a sweep before anything is queued: each of its trials is planned as the job that it will be.
 *
 * @param planTrial plans a job. @throws DistilleryError `invalid_spec` and others, with fields
 * @throws DistilleryError `invalid_sweep` with an entry for each field, with the path below `over` where it varies; others of `planTrial`
 */
export async function planSweep(
  given: NewSweep,
  planTrial: (spec: JobSpecInput) => Promise<PlannedTrial>,
): Promise<SweepPlan> {
  refuse(checkPaths(given));
  const combinations = combinationsOf(given);
  const trials: PlannedTrial[] = [];
  const warnings = new Set<string>();
  let student: string | undefined;
  for (const [index, values] of combinations.entries()) {
    const trial = await planOne(given, values, index + 1, planTrial);
    student = studentOf(given, trial, index + 1);
    trials.push(trial);
    for (const warning of trial.plan.warnings) warnings.add(warning);
  }
  if (student === undefined) throw new DistilleryError('internal', `a sweep has 1 to ${maxTrials} trials`);
  const rungs = rungsOfTrials(given, trials, student);
  const estimate = estimateOf(given, trials, rungs);
  if (estimate.stages > maxStages) {
    const message = `the sweep would have ${estimate.stages} stages, more than the limit of ${maxStages}: take fewer trials, students or seeds`;
    refuse([{ path: '/over', message, value: estimate.stages, allowed: { maximum: maxStages } }]);
  }
  return { estimate, student, rungs, trials: combinations, warnings: [...warnings] };
}

function checkPaths({ over, search }: NewSweep): FieldError[] {
  const paths = Object.keys(over);
  return paths.flatMap((path) => {
    const at = `/over/${escapePointer(path)}`;
    const reserved = reservedPaths.find((one) => isWithin(path, one) || isWithin(one, path));
    if (reserved !== undefined) {
      const message = `cannot vary: the sweep sets ${reserved} of each trial`;
      return [{ path: at, message, value: path }];
    }
    if (search.type === 'halving' && path.endsWith('/epochs')) {
      const message = 'cannot vary with halving, which compares trials after equal numbers of epochs';
      return [{ path: at, message, value: path }];
    }
    const other = paths.find((one) => one !== path && isWithin(path, one));
    return other === undefined
      ? []
      : [{ path: at, message: `lies within ${other}, which varies too`, value: path }];
  });
}

async function planOne(
  given: NewSweep,
  values: Values,
  trial: number,
  planTrial: (spec: JobSpecInput) => Promise<PlannedTrial>,
): Promise<PlannedTrial> {
  const wrong: FieldError[] = [];
  // An epoch behind the last one changes nothing, but what cannot stop early is refused.
  const until = given.search.type === 'halving' ? 10_000 : undefined;
  const spec = trialSpec(given, values, { sweep: 'planned', trial }, until, (path, why) =>
    wrong.push({ path: `/over/${escapePointer(path)}`, message: why, value: path }),
  );
  refuse(wrong);
  try {
    return await planTrial(spec);
  } catch (error) {
    if (!(error instanceof DistilleryError) || error.fields === undefined) throw error;
    const fields = error.fields.map((field) => inSweep(field, values, trial));
    throw refusal(fields, error.code === 'invalid_spec' ? 'invalid_sweep' : error.code, error);
  }
}

/** The field of a trial as one of the sweep: a value that varies, or a part of `job`. */
function inSweep(field: FieldError, values: Values, trial: number): FieldError {
  if (field.path === '/until') {
    const message = 'halving needs the procedure offline, where no student teaches another';
    return { path: '/search/type', message, value: 'halving' };
  }
  const varying = Object.keys(values).find(
    (path) => isWithin(field.path, path) || isWithin(path, field.path),
  );
  if (varying === undefined) return { ...field, path: `/job${field.path}` };
  const value = JSON.stringify(values[varying]);
  const where = isWithin(field.path, varying) ? field.path.slice(varying.length) : '';
  return {
    ...field,
    path: `/over/${escapePointer(varying)}`,
    message: `${value} of trial ${trial}${where === '' ? '' : ` at ${where}`}: ${field.message}`,
    value: field.value ?? values[varying],
  };
}

/** The student whose validation accuracy counts. */
function studentOf({ objective }: NewSweep, { spec, plan }: PlannedTrial, trial: number): string {
  if (plan.dataset.validation === 0) {
    const message = 'holds out no sample: a sweep chooses by the accuracy on the validation split';
    refuse([{ path: '/job/validation', message, value: 0 }]);
  }
  const controls = new Set(plan.students.map(({ control }) => control));
  const names = plan.students.map(({ name }) => name).filter((name) => !controls.has(name));
  const [first] = spec.students;
  const usual =
    spec.procedure === 'born_again'
      ? generationName(first.name, spec.generations ?? defaultGenerations)
      : first.name;
  const wanted = objective.student ?? usual;
  if (!names.includes(wanted)) {
    const message = `trial ${trial} has no such student`;
    refuse([{ path: '/objective/student', message, value: wanted, allowed: names }]);
  }
  return wanted;
}

/** The epochs after which trials are compared: with halving several, else those of a whole training. */
function rungsOfTrials({ search }: NewSweep, trials: readonly PlannedTrial[], student: string): number[] {
  const epochsOf = ({ spec }: PlannedTrial): number => {
    const own = spec.students.find(({ name }) => name === student) ?? spec.students[0];
    return own.training.epochs ?? spec.training.epochs;
  };
  const most = Math.max(...trials.map(epochsOf));
  if (search.type !== 'halving') return [most];
  if (search.minimumEpochs >= most) {
    const message = `must be fewer than the ${most} epochs of a whole training`;
    refuse([
      {
        path: '/search/minimumEpochs',
        message,
        value: search.minimumEpochs,
        allowed: { exclusiveMaximum: most },
      },
    ]);
  }
  return rungsOf(most, search);
}

/**
 * Estimates a sweep. What trials share counts once; of students that stop early their share of the epochs. How many trials go on is that
 * of halving without failures.
 */
function estimateOf({ search }: NewSweep, trials: readonly PlannedTrial[], rungs: readonly number[]) {
  const factor = search.type === 'halving' ? search.factor : 1;
  const reaching = [trials.length];
  for (let rung = 1; rung < rungs.length; rung++) {
    reaching.push(Math.max(1, Math.floor(reaching[rung - 1] / factor)));
  }
  const whole = rungs[rungs.length - 1];
  const share = rungs.reduce(
    (sum, rung, index) =>
      sum + (reaching[index] / trials.length) * ((rung - (rungs[index - 1] ?? 0)) / whole),
    0,
  );
  const jobs = reaching.reduce((sum, count) => sum + count, 0);
  const seen = new Set<string>();
  let [shared, seconds, known] = [0, 0, true];
  for (const { resolved, plan } of trials) {
    for (const [index, stage] of resolved.stages.entries()) {
      if (stage.shares !== undefined && seen.has(stage.shares)) {
        shared++;
        continue;
      }
      if (stage.shares !== undefined) seen.add(stage.shares);
      const own = plan.stages[index].seconds ?? null;
      if (own === null) known = false;
      seconds += (own ?? 0) * (stage.kind === 'student' ? share : 1);
    }
  }
  const each = trials.reduce((sum, { resolved }) => sum + resolved.stages.length, 0) / trials.length;
  return {
    trials: trials.length,
    jobs,
    stages: Math.round(each * jobs),
    shared,
    seconds: known ? seconds : null,
  };
}

/** @throws DistilleryError `invalid_sweep` when there are entries */
function refuse(fields: FieldError[]): void {
  if (fields.length > 0) throw refusal(fields);
}

function refusal(
  fields: FieldError[],
  code: DistilleryError['code'] = 'invalid_sweep',
  cause?: unknown,
): DistilleryError {
  const [{ path, message }] = fields;
  const more = fields.length > 1 ? ` (and ${fields.length - 1} more)` : '';
  return new DistilleryError(code, `${path}: ${message}${more}`, { cause, fields });
}
