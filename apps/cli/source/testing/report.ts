import {
  type JobView,
  type NetworkResult,
  type Report,
  reportSchema,
  type StageView,
} from '@distillery/spec';

/** Small reports for tests. */

interface Scored {
  last: number;
  best: number;
  seconds?: number;
  terms?: NetworkResult['terms'];
}

const engine = {
  name: 'native',
  backend: 'TensorFlow on the CPU',
  bfloat16: null,
  eagerSteps: null,
  threads: 2,
  versions: { node: 'v20.19.0', tensorflow: '2.21.0' },
  hardware: 'two cores',
  gigaflops: 90,
};

function result(
  stage: string,
  seed: number,
  { last, best, seconds = 100, terms = [] }: Scored,
): NetworkResult {
  const score = (epoch: number, testAccuracy: number) => ({
    epoch,
    testAccuracy,
    testLoss: 1,
    validationAccuracy: testAccuracy,
    expectedCalibrationError: 0.05,
    agreement: 0.7,
    teacherDivergence: 0.6,
    weights: { digest: `${stage}-${seed}-${epoch}`, size: 1_000_000 },
  });
  return {
    stage,
    seed,
    parameters: stage.startsWith('teacher') ? 1_186_986 : 267_738,
    flops: stage.startsWith('teacher') ? 189_000_000 : 2_700_000,
    latencyMs: 1,
    initialWeights: 'first',
    last: score(10, last),
    best: score(8, best),
    terms,
    losses: {},
    epochs: 10,
    seconds,
    precision: 'float32',
    steps: { mode: 'compiled', reason: null },
    reused: false,
    engine,
    peakMemoryBytes: 1e9,
    datasetBytes: 1e8,
  };
}

function spread(values: readonly number[]) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, sd: values.length < 2 ? null : Math.sqrt(squares / (values.length - 1)) };
}

interface Given {
  name: string;
  /** By seed. */
  runs: Scored[];
  method?: Report['students'][number]['method'];
  gapClosed?: number[];
  control?: string | null;
  architecture?: Report['students'][number]['architecture'];
}

export function studentOf(given: Given): Report['students'][number] {
  const { name, runs, method = [{ type: 'cross_entropy', weight: 1, labelSmoothing: 0 }] } = given;
  const { gapClosed, control = 'control', architecture = { type: 'lightnn', dropout: 0.1 } } = given;
  const gap = gapClosed === undefined ? null : { last: spread(gapClosed), best: spread(gapClosed) };
  return {
    name,
    teachers: control === null ? [] : ['teacher'],
    control,
    architecture,
    method,
    runs: runs.map((scored, seed) => result(`student.${name}.${seed + 1}`, seed + 1, scored)),
    testAccuracy: {
      last: spread(runs.map(({ last }) => last)),
      best: spread(runs.map(({ best }) => best)),
    },
    agreement: { mean: 0.7, sd: null },
    teacherDivergence: { mean: 0.6, sd: null },
    expectedCalibrationError: { mean: 0.05, sd: null },
    gapClosed: gap,
  };
}

export function reportOf(students: Report['students'], more: Partial<Report> = {}): Report {
  return reportSchema.parse({
    job: 'job_1',
    name: 'Small networks',
    createdAt: '2026-11-25T02:00:00.000Z',
    dataset: {
      source: 'cifar10',
      digest: 'data',
      classes: Array.from({ length: 10 }, (_, index) => `class ${index}`),
      train: 45_000,
      validation: 5000,
      test: 10_000,
      skipped: 0,
    },
    teachers: [{ name: 'teacher', ...result('teacher', 1, { last: 0.75, best: 0.752, seconds: 2227 }) }],
    students,
    ensembles: [],
    outputs: [],
    stages: [{ id: 'student.soft.1', worker: 'w', attempts: 1, seconds: 100 }],
    warnings: [],
    ...more,
  });
}

export function jobOf(id: string, more: Partial<JobView> = {}): JobView {
  const times = { createdAt: '2026-11-25T01:00:00.000Z', startedAt: null, finishedAt: null };
  return {
    id,
    name: null,
    labels: {},
    owner: null,
    state: 'succeeded',
    priority: 0,
    phase: null,
    waitingFor: null,
    missing: [],
    progress: 100,
    etaSeconds: null,
    reason: null,
    warnings: [],
    skippedData: [],
    stages: [],
    ...times,
    ...more,
  };
}

export function failedStage(id: string, message: string): StageView {
  return {
    id,
    kind: 'student',
    networks: [{ name: 'soft', control: 'control' }],
    seed: 42,
    state: 'failed',
    waitingFor: null,
    missing: [],
    needs: [],
    attempt: 3,
    worker: 'w',
    startedAt: null,
    finishedAt: null,
    progress: null,
    reason: { code: 'nan', message },
  };
}
