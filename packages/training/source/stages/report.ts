import {
  DistilleryError,
  type JobSpec,
  type JobWarning,
  type NetworkResult,
  type Report,
  reportSchema,
  type Score,
  type SkippedData,
  type Spread,
  spreadOf,
} from '@distillery/spec';
import { z } from 'zod';
import { clearCheckpoints } from '../checkpoint.ts';
import {
  guidesOf,
  isPeer,
  jobTeachers,
  type Student,
  studentsOf,
  type Teacher,
} from '../planning/students.ts';
import {
  accuracy,
  agreement,
  divergence,
  expectedCalibrationError,
  meanOf,
  meanProbabilities,
} from '../scores.ts';
import { checkpointFolder } from './materials.ts';
import { outputs } from './outputs.ts';
import type { StageContext, StageKind } from './stage.ts';
import {
  networkReferenceSchema,
  type OwnScore,
  type Trained,
  type TrainedNetwork,
} from './trained-network.ts';

const input = z.strictObject({
  networks: z
    .array(networkReferenceSchema.extend({ seed: z.number().int().nullable() }))
    .describe('Every network of the job with the stage that trained it; the seed is null for a teacher.'),
  outputs: z
    .array(z.strictObject({ network: z.string(), seed: z.number().int().nullable(), stage: z.string() }))
    .describe('The networks whose outputs are stored, with the stages that stored them.'),
  after: z.array(z.string()).describe('Every other stage of the job.'),
});
type Input = z.output<typeof input>;

const resultSchema = z.object({
  // The stage validates the report it writes. Stored ones of earlier versions may lack fields of today's schema.
  report: z.custom<Report>((value) => typeof value === 'object' && value !== null),
});

/** Writes the report from the results of the other stages and the stored logits. */
export const report: StageKind<typeof input, typeof resultSchema> = {
  type: 'report',
  summary: 'Compares the students with their teachers and controls.',
  options: input,
  result: resultSchema,
  id: () => 'report',
  needs: ({ after }) => after,
  about: () => ({}),
  plan: (_, before) => {
    const networks = before.flatMap(({ stage, networks: own }) =>
      own.map(({ name, seed }) => ({ stage: stage.id, network: name, seed })),
    );
    const stored = before.flatMap(({ stage }) => {
      if (stage.kind !== outputs.type) return [];
      const { network, seed = null } = outputs.options.parse(stage.input);
      return [{ network, seed, stage: stage.id }];
    });
    const after = before.map(({ stage }) => stage.id);
    return [{ input: { networks, outputs: stored, after }, work: 0 }];
  },
  artifacts: () => ({ blobs: [], shared: [] }),
  report: (result) => result.report,
  run,
};

async function run(context: StageContext<Input>): Promise<z.output<typeof resultSchema>> {
  const { job, input, store, records } = context;
  const teachers = jobTeachers(job.spec);
  const specified = studentsOf(job.spec);
  const { seeds } = job.spec;
  // The data of a student: a teacher may have been trained on other data.
  const dataset = trainedOf(specified[0].name, seeds[0]).data;
  const classes = dataset.classes.length;
  const labels = new Int32Array((await store.read(dataset.testLabels.digest)).slice().buffer);
  /** The logits of a network's best weights for the job's test images. */
  const best = async (name: string, seed: number) => {
    const stored = input.outputs.find((one) => one.network === name && isRun(one, seed));
    const { testLogits } = stored === undefined ? {} : context.result(outputs, stored.stage);
    return await logitsOf(testLogits ?? trainedOf(name, seed).result.best.logits);
  };

  const taught: Report['teachers'] = [];
  const untested = new Set(teachers.filter(isUntested).map(({ name }) => name));
  for (const { name } of teachers) {
    if (untested.has(name)) continue;
    const { result } = trainedOf(name, 0);
    taught.push({ name, ...(await complete(result, await logitsOf(result.best.logits))) });
  }
  const runsOf = new Map<string, NetworkResult[]>();
  /** The teacher logits that each run is compared with. */
  const guides = new Map<string, Float32Array | undefined>();
  for (const student of specified) {
    const runs: NetworkResult[] = [];
    for (const seed of seeds) {
      const guide = await guideOf(student, seed);
      guides.set(runKey(student.name, seed), guide);
      runs.push(await complete(trainedOf(student.name, seed).result, guide));
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
        last: spreadOf(runs.map((run) => run.last.testAccuracy)),
        best: spreadOf(runs.map((run) => run.best.testAccuracy)),
      },
      agreement: spreadOrNull(runs.map((run) => run.last.agreement)),
      teacherDivergence: spreadOrNull(runs.map((run) => run.last.teacherDivergence)),
      expectedCalibrationError: spreadOf(runs.map((run) => run.last.expectedCalibrationError)),
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
    outputs: input.outputs.flatMap(({ stage }) => context.result(outputs, stage).sets),
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

  function trainedOf(name: string, seed: number): Trained {
    const found = input.networks.find((one) => one.network === name && isRun(one, seed));
    if (found === undefined)
      throw new DistilleryError('internal', `no stage trains ${name} with seed ${seed}`);
    return context.network(found);
  }

  /** Whether a teacher has outputs for the training samples alone. */
  function isUntested({ name, training }: Teacher): boolean {
    const stored = input.outputs.find((one) => one.network === name && one.seed === null);
    return (
      training === undefined &&
      stored !== undefined &&
      context.result(outputs, stored.stage).given === undefined
    );
  }

  async function logitsOf(logits: OwnScore['logits']): Promise<Float32Array> {
    return new Float32Array((await store.read(logits.digest)).slice().buffer);
  }

  async function complete(run: TrainedNetwork, guide: Float32Array | undefined): Promise<NetworkResult> {
    return { ...run, last: await against(run.last, guide), best: await against(run.best, guide) };
  }

  /** Completes a score with the comparison to the logits of the best teacher weights for the same test images. */
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
   * The logits of a student's teachers for the test images; for a control, those of the job's first teacher. Several
   * teachers give their weighted mean, also with `combine: best`, which needs the labels.
   */
  async function guideOf(student: Student, seed: number): Promise<Float32Array | undefined> {
    const guiding = guidesOf(teachers, student);
    if (guiding.length === 0 || guiding.some(({ name }) => untested.has(name))) return undefined;
    const logits = await Promise.all(guiding.map(({ name }) => best(name, seed)));
    return meanOf(
      logits,
      guiding.map(({ weight }) => weight),
    );
  }

  function accuracyOf(logits: Float32Array): number {
    return accuracy({ logits, labels, classes });
  }

  function gapClosed(name: string, runs: NetworkResult[], controls: NetworkResult[]) {
    const share = (of: 'last' | 'best') =>
      runs.map((run, index) => {
        const guide = guides.get(runKey(name, run.seed));
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
      specified
        .filter((s) => s.teachers.length > 1 && !s.teachers.some((name) => untested.has(name)))
        .map((s) => [s.teachers.join(' + '), s] as const),
    );
    const guiding = [...several].map(([name, student]) => ({
      name,
      members: student.teachers,
      logits: seeds.map((seed) => guides.get(runKey(student.name, seed)) as Float32Array),
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
      testAccuracy: spreadOf(logits.map(accuracyOf)),
      expectedCalibrationError: spreadOf(
        logits.map((each) => expectedCalibrationError({ logits: each, labels, classes })),
      ),
    }));
  }

  function findings(): string[] {
    return students.flatMap(({ name, runs, testAccuracy }) => {
      const guiding = runs.map(({ seed }) => guides.get(runKey(name, seed)));
      if (guiding.some((guide) => guide === undefined)) return [];
      const teacher = spreadOf(guiding.map((guide) => accuracyOf(guide as Float32Array))).mean;
      if (testAccuracy.best.mean < teacher) return [];
      return [
        `${name} (${percent(testAccuracy.best.mean)}) is as good as the teacher (${percent(teacher)}): ` +
          'there is little to distill; train the teacher longer, or use a stronger one',
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

/** Whether a run counts for a seed: a teacher's only run counts for all. */
function isRun(run: { seed: number | null }, seed: number): boolean {
  return run.seed === null || run.seed === seed;
}

function runKey(student: string, seed: number): string {
  return `${student} ${seed}`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** Null when any value is missing: a mean over other seeds than the control's would mislead. */
function spreadOrNull(values: readonly (number | null)[]): Spread | null {
  const known = values.filter((value) => value !== null);
  return known.length === values.length ? spreadOf(known) : null;
}
