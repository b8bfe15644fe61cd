import { type NetworkResult, type Report, reportSchema, type Score, type Spread } from '@distillery/spec';
import { agreement, divergence } from '../scores.ts';
import { studentsOf } from '../students.ts';
import { clearCheckpoints, type OwnScore, type TrainedNetwork } from './network-run.ts';
import type { OutputsResult } from './outputs.ts';
import type { StageContext } from './stage.ts';
import type { StudentResult } from './student.ts';
import type { TeacherResult } from './teacher.ts';

/** What the report stage knows of the others beside their results. */
export interface StageRecord {
  id: string;
  worker: string | null;
  attempt: number;
  startedAt: string | null;
  finishedAt: string | null;
}

/** Puts the report together; reads results and stored logits, trains nothing. */
export async function runReport(
  context: StageContext & { records: StageRecord[] },
): Promise<{ report: Report }> {
  const { job, results, store, records } = context;
  const { result: teacherRun, dataset } = results.teacher as TeacherResult;
  const { sets } = results.outputs as OutputsResult;
  const classes = dataset.classes.length;
  const teacherLogits = await logitsOf(teacherRun.best.logits);
  const teacher = await complete(teacherRun);
  const resultOf = async (name: string, seed: number) =>
    await complete((results[`student.${name}.${seed}`] as StudentResult).result);

  const runsOf = new Map<string, NetworkResult[]>();
  const specified = studentsOf(job.spec);
  for (const { name } of specified) {
    runsOf.set(name, await Promise.all(job.spec.seeds.map((seed) => resultOf(name, seed))));
  }
  const students = specified.map(({ name, control, architecture, method }) => {
    const runs = runsOf.get(name) as NetworkResult[];
    const controls = control === null ? undefined : runsOf.get(control);
    return {
      name,
      control,
      architecture,
      method,
      runs,
      testAccuracy: {
        last: spread(runs.map((run) => run.last.testAccuracy)),
        best: spread(runs.map((run) => run.best.testAccuracy)),
      },
      agreement: spreadOrNull(runs.map((run) => run.last.agreement)),
      teacherDivergence: spreadOrNull(runs.map((run) => run.last.teacherDivergence)),
      expectedCalibrationError: spread(runs.map((run) => run.last.expectedCalibrationError)),
      gapClosed: controls === undefined ? null : gapClosed(runs, controls),
    };
  });

  const report: Report = {
    job: job.id,
    name: job.name,
    createdAt: new Date().toISOString(),
    dataset: { source: job.spec.dataset.source, ...dataset },
    teacher,
    students,
    outputs: sets,
    stages: records.map(({ id, worker, attempt, startedAt, finishedAt }) => ({
      id,
      worker,
      attempts: attempt,
      seconds:
        startedAt === null || finishedAt === null
          ? null
          : (Date.parse(finishedAt) - Date.parse(startedAt)) / 1000,
    })),
    warnings: warnings(),
  };
  for (const { id } of records) await clearCheckpoints(context, id);
  return { report: reportSchema.parse(report) };

  async function logitsOf(logits: OwnScore['logits']): Promise<Float32Array> {
    return new Float32Array((await store.read(logits.digest)).slice().buffer);
  }

  async function complete(run: TrainedNetwork['result']): Promise<NetworkResult> {
    return { ...run, last: await against(run.last), best: await against(run.best) };
  }

  /** A score with what needs the teacher: the shipped (best) teacher's logits on the same test images. */
  async function against({ logits, ...score }: OwnScore): Promise<Score> {
    const own = await logitsOf(logits);
    return {
      ...score,
      agreement: agreement(teacherLogits, own, classes),
      teacherDivergence: divergence(teacherLogits, own, classes),
    };
  }

  function gapClosed(runs: NetworkResult[], controls: NetworkResult[]) {
    const share = (of: 'last' | 'best') =>
      runs.map((run, index) => {
        const control = controls[index][of].testAccuracy;
        const gap = teacher[of].testAccuracy - control;
        return gap > 0 ? (run[of].testAccuracy - control) / gap : null;
      });
    const [last, best] = [spreadOrNull(share('last')), spreadOrNull(share('best'))];
    return last === null || best === null ? null : { last, best };
  }

  function warnings(): string[] {
    const weak = students.filter(({ testAccuracy }) => testAccuracy.best.mean >= teacher.best.testAccuracy);
    return weak.map(
      ({ name, testAccuracy }) =>
        `${name} (${percent(testAccuracy.best.mean)}) is as good as the teacher (${percent(teacher.best.testAccuracy)}): ` +
        'there is little to distill; train the teacher longer or take a stronger one',
    );
  }
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** Mean and sample standard deviation. */
function spread(values: readonly number[]): Spread {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  if (values.length < 2) return { mean, sd: null };
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, sd: Math.sqrt(squares / (values.length - 1)) };
}

/** Null when any value is missing: a mean over other seeds than the control's would mislead. */
function spreadOrNull(values: readonly (number | null)[]): Spread | null {
  const known = values.filter((value) => value !== null);
  return known.length === values.length ? spread(known) : null;
}
