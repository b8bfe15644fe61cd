import {
  type JobSpec,
  type JobWarning,
  type NetworkResult,
  type Report,
  reportSchema,
  type Score,
  type SkippedData,
  type Spread,
} from '@distillery/spec';
import { clearCheckpoints } from '../checkpoint.ts';
import { isPeer } from '../planning/layout.ts';
import {
  accuracy,
  agreement,
  divergence,
  expectedCalibrationError,
  meanOf,
  meanProbabilities,
} from '../scores.ts';
import { jobTeachers, type Student, studentsOf, weightOf } from '../planning/students.ts';
import { type AboutData, checkpointFolder } from './materials.ts';
import type { OwnScore, TrainedNetwork } from './network-run.ts';
import type { OutputsResult } from './outputs.ts';
import { mutualStage, outputsStage, studentStage, trainedNetwork } from './results.ts';
import type { StageContext } from './stage.ts';

/** What the record of the job holds of the stages before, beside their results. */
export interface JobRecord {
  records: StageRecord[];
  warnings: JobWarning[];
  skippedData: SkippedData[];
}

/** What the record of the job holds of one stage. */
export interface StageRecord {
  id: string;
  worker: string | null;
  attempt: number;
  startedAt: string | null;
  finishedAt: string | null;
}

/** Puts the report together; reads results and stored logits, trains nothing. */
export async function runReport(context: StageContext & JobRecord): Promise<{ report: Report }> {
  const { job, results, store, records } = context;
  const teachers = jobTeachers(job.spec);
  const specified = studentsOf(job.spec);
  const { seeds } = job.spec;
  const dataset = aboutDataOf(results, specified[0].name, seeds[0]);
  const classes = dataset.classes.length;
  const labels = new Int32Array((await store.read(dataset.testLabels.digest)).slice().buffer);
  /** What a network says of the job's test images. */
  const best = async (name: string, seed: number) => {
    const { testLogits } = (results[outputsStage(name)] as OutputsResult | undefined) ?? {};
    return await logitsOf(testLogits ?? trainedNetwork(results, name, seed).best.logits);
  };

  const taught: Report['teachers'] = [];
  for (const { name } of teachers) {
    const run = trainedNetwork(results, name, 0);
    taught.push({ name, ...(await complete(run, await logitsOf(run.best.logits))) });
  }
  const runsOf = new Map<string, NetworkResult[]>();
  /** By student and seed, what it is held against. */
  const guides = new Map<string, Float32Array | undefined>();
  for (const student of specified) {
    const runs: NetworkResult[] = [];
    for (const seed of seeds) {
      const guide = await guideOf(student, seed);
      guides.set(studentStage(student.name, seed), guide);
      runs.push(await complete(trainedNetwork(results, student.name, seed), guide));
    }
    runsOf.set(student.name, runs);
  }
  const students = specified.map(({ name, teachers: guiding, control, architecture, method }) => {
    const runs = runsOf.get(name) as NetworkResult[];
    const controls = control === null ? undefined : runsOf.get(control);
    return {
      name,
      teachers: guiding,
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
      gapClosed: controls === undefined ? null : gapClosed(name, runs, controls),
    };
  });

  const report: Report = {
    job: job.id,
    name: job.name,
    createdAt: new Date().toISOString(),
    dataset: { source: job.spec.dataset.source, ...dataset },
    teachers: taught,
    students,
    ensembles: await ensembles(),
    outputs: Object.values(results).flatMap((result) => (result as Partial<OutputsResult>).sets ?? []),
    stages: records.map(({ id, worker, attempt, startedAt, finishedAt }) => ({
      id,
      worker,
      attempts: attempt,
      seconds:
        startedAt === null || finishedAt === null
          ? null
          : (Date.parse(finishedAt) - Date.parse(startedAt)) / 1000,
    })),
    warnings: [...findings(), ...skippedLines(context.skippedData), ...warningLines(context.warnings)],
  };
  for (const { id } of records) await clearCheckpoints(store, checkpointFolder(job.id, id));
  return { report: reportSchema.parse(report) };

  async function logitsOf(logits: OwnScore['logits']): Promise<Float32Array> {
    return new Float32Array((await store.read(logits.digest)).slice().buffer);
  }

  async function complete(
    run: TrainedNetwork['result'],
    guide: Float32Array | undefined,
  ): Promise<NetworkResult> {
    return { ...run, last: await against(run.last, guide), best: await against(run.best, guide) };
  }

  /** A score with what needs a teacher: the shipped (best) teacher's logits on the same test images. */
  async function against({ logits, ...score }: OwnScore, guide: Float32Array | undefined): Promise<Score> {
    if (guide === undefined) return { ...score, agreement: null, teacherDivergence: null };
    const own = await logitsOf(logits);
    return {
      ...score,
      agreement: agreement(guide, own, classes),
      teacherDivergence: divergence(guide, own, classes),
    };
  }

  /**
   * What a student's teachers say of the test images; of a control, what the job's first teacher says. Several teachers
   * speak by their weighted mean, also where training took the best for each image: that needs the label.
   */
  async function guideOf(student: Student, seed: number): Promise<Float32Array | undefined> {
    const names = student.teachers.length > 0 ? student.teachers : teachers.slice(0, 1).map((t) => t.name);
    if (names.length === 0) return undefined;
    const weights = names.map((name) => weightOf(teachers, name));
    return meanOf(await Promise.all(names.map((name) => best(name, seed))), weights);
  }

  function accuracyOf(logits: Float32Array): number {
    return accuracy({ logits, labels, classes });
  }

  function gapClosed(name: string, runs: NetworkResult[], controls: NetworkResult[]) {
    const share = (of: 'last' | 'best') =>
      runs.map((run, index) => {
        const guide = guides.get(studentStage(name, run.seed));
        if (guide === undefined) return null;
        const control = controls[index][of].testAccuracy;
        const gap = accuracyOf(guide) - control;
        return gap > 0 ? (run[of].testAccuracy - control) / gap : null;
      });
    const [last, chosen] = [spreadOrNull(share('last')), spreadOrNull(share('best'))];
    return last === null || chosen === null ? null : { last, best: chosen };
  }

  async function ensembles(): Promise<Report['ensembles']> {
    const several = new Map(
      specified.filter((s) => s.teachers.length > 1).map((s) => [s.teachers.join(' + '), s] as const),
    );
    const guiding = [...several].map(([name, student]) => ({
      name,
      members: student.teachers,
      logits: seeds.map((seed) => guides.get(studentStage(student.name, seed)) as Float32Array),
    }));
    const groups = familiesOf(job.spec, specified);
    const families = await Promise.all(
      groups.map(async ({ name, members }) => ({
        name,
        members,
        logits: await Promise.all(
          seeds.map(async (seed) =>
            meanProbabilities(await Promise.all(members.map((member) => best(member, seed))), classes),
          ),
        ),
      })),
    );
    return [...guiding, ...families].map(({ name, members, logits }) => ({
      name,
      members,
      testAccuracy: spread(logits.map(accuracyOf)),
      expectedCalibrationError: spread(
        logits.map((each) => expectedCalibrationError({ logits: each, labels, classes })),
      ),
    }));
  }

  function findings(): string[] {
    return students.flatMap(({ name, runs, testAccuracy }) => {
      const guiding = runs.map(({ seed }) => guides.get(studentStage(name, seed)));
      if (guiding.some((guide) => guide === undefined)) return [];
      const teacher = spread(guiding.map((guide) => accuracyOf(guide as Float32Array))).mean;
      if (testAccuracy.best.mean < teacher) return [];
      return [
        `${name} (${percent(testAccuracy.best.mean)}) is as good as the teacher (${percent(teacher)}): ` +
          'there is little to distill; train the teacher longer or take a stronger one',
      ];
    });
  }
}

function skippedLines(skippedData: readonly SkippedData[]): string[] {
  return skippedData.map(({ count, samples }) => {
    const named = samples.slice(0, 5).map(({ name, reason }) => `${name} (${reason})`);
    const more = count > named.length ? ', …' : '';
    const what =
      count === 1 ? '1 sample could not be read and was' : `${count} samples could not be read and were`;
    return `${what} left out: ${named.join(', ')}${more}`;
  });
}

/** One line for each different message, with the stages that gave it. */
function warningLines(warnings: readonly JobWarning[]): string[] {
  const stages = new Map<string, string[]>();
  for (const { stage, message } of warnings) stages.set(message, [...(stages.get(message) ?? []), stage]);
  return [...stages].map(([message, names]) => `${names.join(', ')}: ${message}`);
}

/** Networks whose predictions are also scored together: a student's generations, and peers. */
function familiesOf(spec: JobSpec, students: readonly Student[]): { name: string; members: string[] }[] {
  if (spec.procedure === 'mutual') {
    const peers = students.filter((student) => isPeer(spec, student)).map(({ name }) => name);
    return [{ name: 'peers', members: peers }];
  }
  if (spec.procedure !== 'born_again') return [];
  return spec.students.map(({ name }, index) => ({
    name,
    members: students.filter((student) => student.index === index).map((student) => student.name),
  }));
}

/** As a stage that trained a student tells of them: a teacher may have data of its own. */
function aboutDataOf(results: Readonly<Record<string, unknown>>, student: string, seed: number): AboutData {
  const stages = [studentStage(student, seed), mutualStage(seed)];
  const found = stages.map((stage) => results[stage] as { dataset: AboutData } | undefined).find(Boolean);
  if (found === undefined) throw new Error('no stage before has trained a student');
  return found.dataset;
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
