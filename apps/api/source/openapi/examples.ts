import type {
  Analysis,
  Samples,
  Curves,
  JobLogs,
  JobSpecInput,
  JobView,
  MetricRow,
  NetworkInput,
  NewDatasetInput,
  NewSweepInput,
  NewWebhookInput,
  StageView,
  WebhookChange,
  WebhookPayload,
} from '@distillery/spec';
import type { Problem } from '../problem.ts';

const submittedAt = '2026-01-31T10:00:00.000Z';

const jobSpec: JobSpecInput = {
  name: 'first steps',
  dataset: { source: 'shapes', trainCount: 2000, testCount: 500 },
  teacher: { architecture: { type: 'deepnn' } },
  students: [
    {
      name: 'soft',
      architecture: { type: 'lightnn' },
      method: [
        { type: 'soft_target', temperature: 2, weight: 0.25 },
        { type: 'cross_entropy', weight: 0.75 },
      ],
    },
  ],
  seeds: [1, 2, 3],
  training: { epochs: 5 },
};

const stage: StageView = {
  id: 'teacher',
  kind: 'teacher',
  networks: [{ name: 'teacher', control: null }],
  seed: null,
  state: 'queued',
  waitingFor: 'turn',
  missing: [],
  needs: [],
  attempt: 0,
  worker: null,
  startedAt: null,
  finishedAt: null,
  progress: null,
  reason: null,
};

const job: JobView = {
  id: 'job_01KG9Z3M7Q8W5T2R4Y6V0XNBCD',
  name: 'first steps',
  labels: {},
  owner: null,
  state: 'queued',
  priority: 0,
  phase: null,
  waitingFor: 'turn',
  missing: [],
  progress: 0,
  etaSeconds: null,
  reason: null,
  createdAt: submittedAt,
  startedAt: null,
  finishedAt: null,
  warnings: [],
  skippedData: [],
  stages: [stage],
};

const metricRow: MetricRow = {
  stage: 'student.soft.1',
  attempt: 1,
  epoch: 1,
  step: 15,
  time: submittedAt,
  values: { loss: 1.83, soft_target: 0.92, cross_entropy: 2.13 },
};

const curves: Curves = {
  curves: [
    {
      stage: 'student.soft.1',
      name: 'loss',
      step: [250, 500],
      epoch: [1, 2],
      value: [1.704, 0.921],
      min: [1.12, 0.643],
      max: [2.41, 1.27],
    },
  ],
  after: '1769853600000-42',
  complete: true,
};

const jobLogs: JobLogs = {
  lines: [
    {
      id: '1769853600000-7',
      time: submittedAt,
      stage: 'teacher',
      attempt: 1,
      source: 'supervisor',
      level: 'info',
      message: 'worker-1 starts attempt 1 with 2 threads (tensorflow)',
    },
  ],
  after: '1769853600000-9',
  more: false,
};

const analysis: Analysis = {
  classes: ['circle', 'square'],
  networks: [
    {
      stage: 'student.soft.1',
      role: 'student',
      name: 'soft',
      seed: 1,
      checkpoint: 'best',
      classAccuracy: [0.98, 0.9],
      confusion: [
        [49, 1],
        [5, 45],
      ],
      reliability: [{ confidence: 0.97, accuracy: 0.94, count: 100 }],
    },
  ],
};

const samples: Samples = {
  total: 500,
  kind: 'image',
  classes: ['circle', 'square'],
  samples: [
    {
      index: 17,
      label: 1,
      text: null,
      teacher: [0.4, 5.1],
      student: [2.3, 1.9],
      control: [4.2, 0.3],
      disagreement: 0.87,
    },
  ],
};

const newNetwork: NetworkInput = {
  path: 'models/resnet56.pt',
  name: 'resnet 56',
  architecture: { type: 'resnet', depth: 56 },
  classes: ['cat', 'dog'],
  input: [32, 32, 3],
  normalization: { mean: [0.49, 0.48, 0.45], std: [0.25, 0.24, 0.26] },
};

const newDataset: NewDatasetInput = {
  upload: 'upl_5c1f0a9d3e7b42816f0d9a3c',
  name: 'pets',
  options: { size: [64, 64] },
};

const newSweep: NewSweepInput = {
  name: 'temperature and rate',
  job: { ...jobSpec, validation: 0.1 },
  over: {
    '/students/0/method/0/temperature': { values: [1, 2, 4, 8] },
    '/training/optimizer/learningRate': { logUniform: [0.0003, 0.01] },
  },
  search: { type: 'random', trials: 12 },
};

const newWebhook: NewWebhookInput = {
  url: 'https://ci.example.com/distillery',
  events: ['job.succeeded', 'job.failed'],
};

const webhookChange: WebhookChange = { events: ['job', 'report'] };

const webhookPayload: WebhookPayload = {
  type: 'job.failed',
  timestamp: submittedAt,
  data: {
    event: {
      type: 'job',
      id: '1769853600000-7',
      job: job.id,
      time: submittedAt,
      state: 'failed',
      reason: { code: 'nan', message: 'the loss is not a number at step 40', stage: 'student.soft.1' },
    },
    job: { id: job.id, name: 'first steps', labels: {}, owner: 'ana', best: null },
  },
};

const problem: Problem = {
  type: 'urn:distillery:error:invalid_spec',
  title: 'The job spec is invalid',
  status: 422,
  detail: '/students/0/method/0/temperature: Too small: expected number to be >=0.001',
  code: 'invalid_spec',
  instance: '6f1d1f0e-8a0f-4f0b-9a59-0f6f7e0f0c57',
  errors: [
    {
      path: '/students/0/method/0/temperature',
      message: 'Too small: expected number to be >=0.001',
      value: 0,
      allowed: { minimum: 0.001 },
    },
  ],
};

/** An example for each of these components of the OpenAPI description. */
export const examples = {
  JobSpec: jobSpec,
  Job: job,
  Stage: stage,
  MetricRow: metricRow,
  Curves: curves,
  JobLogs: jobLogs,
  Analysis: analysis,
  Samples: samples,
  NewDataset: newDataset,
  NewNetwork: newNetwork,
  NewSweep: newSweep,
  NewWebhook: newWebhook,
  WebhookChange: webhookChange,
  WebhookPayload: webhookPayload,
  Problem: problem,
};
