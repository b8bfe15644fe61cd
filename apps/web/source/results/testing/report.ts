import type { NetworkResult, Report } from '@distillery/spec';
import { spreadOf } from '@distillery/spec/spread';

/** A network of a report for tests, with its test accuracies by seed. */
export interface TestNetwork {
  name: string;
  /** Percent, one for each seed from 1. */
  accuracies: readonly number[];
  control?: string;
  parameters?: number;
  method?: Record<string, unknown>[];
  architecture?: Record<string, unknown>;
}

/** Builds a report over networks; the accuracies of best and last are the same. */
export function reportOf(teacher: number | undefined, students: readonly TestNetwork[]): Report {
  const accuracy = teacher === undefined ? undefined : teacher / 100;
  return {
    job: 'job_1',
    name: 'test',
    createdAt: '2026-01-01T00:00:00.000Z',
    dataset: {
      source: 'shapes',
      digest: '',
      classes: ['a', 'b'],
      train: 9,
      validation: 1,
      test: 10,
      skipped: 0,
    },
    teachers: accuracy === undefined ? [] : [{ ...runOf('teacher', 42, accuracy, 300), name: 'teacher' }],
    students: students.map(({ name, accuracies, control, parameters = 100, method, architecture }) => {
      const runs = accuracies.map((one, index) =>
        runOf(`student.${name}.${index + 1}`, index + 1, one / 100, parameters),
      );
      const spread = spreadOf(accuracies.map((one) => one / 100));
      return {
        name,
        teachers: control === undefined ? [] : ['teacher'],
        control: control ?? null,
        architecture: architecture ?? { type: 'mlp' },
        method: method ?? [{ type: 'cross_entropy', weight: 1 }],
        runs,
        testAccuracy: { last: spread, best: spread },
        agreement: null,
        teacherDivergence: null,
        expectedCalibrationError: { mean: 0.02, sd: null },
        gapClosed: null,
      };
    }),
    ensembles: [],
    outputs: [],
    stages: [],
    warnings: [],
  };
}

function runOf(stage: string, seed: number, testAccuracy: number, parameters: number): NetworkResult {
  const score = {
    epoch: 3,
    testAccuracy,
    testLoss: 1,
    validationAccuracy: testAccuracy,
    expectedCalibrationError: 0.02,
    agreement: null,
    teacherDivergence: null,
    weights: { digest: '', size: parameters * 4 },
  };
  return {
    stage,
    seed,
    parameters,
    flops: 2 * parameters,
    latencyMs: seed,
    initialWeights: '',
    last: score,
    best: score,
    terms: [],
    losses: {},
    epochs: 3,
    seconds: 10,
    precision: 'float32',
    steps: null,
    reused: false,
    engine: {
      name: 'native',
      backend: '',
      bfloat16: null,
      eagerSteps: null,
      threads: 1,
      versions: {},
      hardware: '',
      gigaflops: null,
    },
    peakMemoryBytes: 0,
    datasetBytes: 0,
  };
}
