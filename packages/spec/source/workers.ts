import { z } from 'zod';
import { stageProgressSchema } from './job.ts';
import { engineInfoSchema } from './report.ts';
import { jobStates } from './states.ts';

const count = z.number().int().min(0);

/** Absent where a worker cannot measure it. */
const bytes = z.number().int().min(0).optional();

const runningStageSchema = z.object({
  job: z.string().describe('The id of the job.'),
  jobName: z.string().nullable().describe('The name of the job.'),
  stage: z.string().describe('The id of the stage.'),
  attempt: z.number().int().describe('Which attempt of the stage this is, counted from 1.'),
  startedAt: z.iso.datetime().nullable().describe('When the attempt began.'),
  progress: stageProgressSchema.nullable(),
});
/** A stage that a worker runs. */
export type RunningStage = z.output<typeof runningStageSchema>;

const workerViewSchema = z.object({
  id: z.string().describe('The id of the worker.'),
  host: z.string().describe('The name of its machine.'),
  version: z.string().describe('The version of Distillery that it runs.'),
  engine: engineInfoSchema,
  startedAt: z.iso.datetime(),
  seenAt: z.iso
    .datetime()
    .describe('Its last heartbeat; workers that are silent for 15 seconds are left out.'),
  memoryBytes: z
    .number()
    .int()
    .nullable()
    .describe('The memory of its machine or container in bytes; null for a worker of an earlier version.'),
  memoryUsedBytes: bytes.describe('How much of it is in use.'),
  diskBytes: bytes.describe('The size of the file system of its data folder.'),
  diskFreeBytes: bytes.describe('How much of it is free.'),
  gpuMemoryBytes: bytes.describe('The memory of the GPU that it computes on.'),
  gpuMemoryUsedBytes: bytes.describe('How much of it is in use.'),
  capabilities: z
    .array(z.string())
    .optional()
    .describe(
      'What stages may require of it: `gpu` or `cpu`, `bfloat16`, `gpuMemory=` bytes, and `label:` labels.',
    ),
  trainers: z.number().int().describe('The stages that it runs at once.'),
  stages: z.array(runningStageSchema).describe('The stages that it runs now.'),
});
/** A worker that is alive. */
export type WorkerView = z.output<typeof workerViewSchema>;

export const workersViewSchema = z.object({
  workers: z.array(workerViewSchema).describe('The workers that are alive, by their ids.'),
  queue: z.object({
    ready: count.describe('How many stages could run and wait for a trainer.'),
    running: count.describe('How many stages run.'),
    jobs: z
      .object(
        Object.fromEntries(jobStates.map((state) => [state, count])) as Record<
          (typeof jobStates)[number],
          typeof count
        >,
      )
      .describe('How many jobs are in each state.'),
  }),
});
/** What works, and what waits, as `GET /v1/workers` answers. */
export type WorkersView = z.output<typeof workersViewSchema>;
