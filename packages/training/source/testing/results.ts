import type { AuxiliaryResult } from '../stages/auxiliary.ts';
import type { MutualResult } from '../stages/mutual.ts';
import type { OutputsResult } from '../stages/outputs.ts';
import type { StudentResult } from '../stages/student.ts';
import type { TeacherResult } from '../stages/teacher.ts';
import type { TrainedNetwork } from '../stages/trained-network.ts';

/** Results of stages, for tests that finish a stage without running it. */

interface Blob {
  digest: string;
  size: number;
}
const nothing: Blob = { digest: '0'.repeat(64), size: 0 };

interface Scored {
  epoch: number;
  weights: Blob;
}

/** @param checkpoints the epochs and weights of both scores; `last` defaults to `best` */
export function trainedNetwork({
  best = { epoch: 1, weights: nothing },
  last = best,
}: {
  best?: Scored;
  last?: Scored;
} = {}): TrainedNetwork {
  const score = ({ epoch, weights }: Scored) => ({
    epoch,
    weights,
    testAccuracy: 0.7,
    testLoss: 1,
    validationAccuracy: null,
    expectedCalibrationError: 0.1,
    logits: nothing,
  });
  return {
    stage: 'a stage',
    seed: 42,
    parameters: 1,
    flops: 1,
    latencyMs: 1,
    initialWeights: 'x',
    last: score(last),
    best: score(best),
    terms: [],
    losses: {},
    epochs: 1,
    seconds: 1,
    precision: 'float32',
    steps: { mode: 'compiled', reason: null },
    reused: false,
    engine: {
      name: 'cpu',
      backend: 'cpu',
      bfloat16: null,
      eagerSteps: null,
      threads: 1,
      versions: {},
      hardware: 'x',
      gigaflops: null,
    },
    peakMemoryBytes: 1,
    datasetBytes: 1,
  };
}

const dataset: StudentResult['dataset'] = {
  digest: 'd',
  classes: ['a', 'b'],
  train: 1,
  validation: 0,
  test: 1,
  skipped: 0,
  testLabels: nothing,
};

export function teacherResult(result = trainedNetwork(), address = 'teachers/t'): TeacherResult {
  return { address, result, dataset };
}

export function studentResult(result = trainedNetwork()): StudentResult {
  return { result, dataset };
}

export function mutualResult(results: Record<string, TrainedNetwork>): MutualResult {
  return { results, dataset };
}

/** @param addresses of the stored outputs */
export function outputsResult(...addresses: string[]): OutputsResult {
  const sets = addresses.map((address) => ({
    address,
    teacher: 'teacher',
    augmentation: 'none',
    views: 1,
    taps: ['logits'],
    bytes: 1,
    reused: false,
  }));
  return { teacher: nothing.digest, sets };
}

export function auxiliaryResult(weights: Blob, address = 'auxiliaries/a'): AuxiliaryResult {
  return { address, weights, reconstruction: 1, reused: false };
}
