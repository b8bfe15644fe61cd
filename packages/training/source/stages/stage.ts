import type { DatasetContext } from '@distillery/datasets';
import type {
  EngineInfo,
  JobSpec,
  JobWarning,
  Kind,
  MetricRow,
  Report,
  SavedCheckpoint,
  SkippedData,
  StagePlan,
  StageProgress,
} from '@distillery/spec';
import type { Store } from '@distillery/store';
import type { z } from 'zod';
import type { PlannedStage, PlanningJob, StageDraft } from '../planning/stages.ts';
import type { NetworkReference, Trained } from './trained-network.ts';

/**
 * A kind of stage. One file describes how the stages of this kind are planned and run, with the schemas of their inputs and
 * results. Planner, API and worker know stages only through these descriptions.
 *
 * `options` is the schema of `StagePlan.input`: names within the job, and the ids of the stages whose results it reads.
 */
export interface StageKind<Input extends z.ZodObject = z.ZodObject, Result extends z.ZodType = z.ZodType>
  extends Kind {
  readonly options: Input;
  /** The schema of what `run` returns, which is plain JSON. */
  readonly result: Result;
  /** The stage's id within its job, e.g. `student.small.42`. */
  id(input: z.output<Input>): string;
  /** The ids of the stages that must succeed before, including those whose results it reads. */
  needs(input: z.output<Input>): string[];
  /** Facts about the stage for clients: the networks that it trains or the one whose outputs it stores, and its seed. */
  about(input: z.output<Input>): { networks?: string[]; seed?: number };
  /**
   * The stages of this kind that a job has.
   *
   * @param before the stages of the kinds that the registry lists before this one
   */
  plan(job: PlanningJob, before: readonly PlannedStage[]): StageDraft<z.output<Input>>[];
  /** The networks that the stage trains; with a result, also how each turned out. */
  networks?(input: z.output<Input>, result?: z.output<Result>): StageNetwork[];
  /** The blobs and manifests that the result names in the store. */
  artifacts(result: z.output<Result>): StageArtifacts;
  /** Results that jobs share by the digest of all that determines them; absent when the kind has none. */
  readonly shared?: SharedResults;
  /** Returns the job's report; only for the kind that writes it. */
  report?(result: z.output<Result>): Report;
  /**
   * Runs the stage.
   *
   * @throws StopTraining when the stage must end early; DistilleryError with the reason when it fails
   */
  run(context: StageContext<z.output<Input>>): Promise<z.output<Result>>;
}

/** The part of a stage kind that describes its results. */
export interface WithResult<Result extends z.ZodType> {
  readonly type: string;
  readonly result: Result;
}

/** A network that a stage trains. */
export interface StageNetwork {
  name: string;
  role: 'teacher' | 'student';
  /** Null for a teacher. */
  seed: number | null;
  /** Absent until the stage has succeeded. */
  trained?: Trained;
}

/** The blobs and manifests that a result names in the store. */
export interface StageArtifacts {
  /** Digests of blobs. */
  blobs: string[];
  /** Addresses of shared results: of one manifest, or of the folder that holds several. */
  shared: string[];
  /** Names of the manifests of shared results through which later stages read; absent: none. */
  manifests?: string[];
}

/** Results in the store that later jobs find and reuse. */
interface SharedResults {
  /** The folder of the store that holds the manifests. */
  folder: string;
  /**
   * The digests of the blobs that one manifest names.
   *
   * @throws z.ZodError for a manifest of another form
   */
  blobs(manifest: unknown): string[];
}

/** The job's record without the results of its stages. */
export interface JobRecord {
  /** The current state of every stage of the job. */
  records: readonly StageRecord[];
  warnings: readonly JobWarning[];
  skippedData: readonly SkippedData[];
}

/** The state of one stage in the job's record. */
export interface StageRecord {
  id: string;
  worker: string | null;
  attempt: number;
  startedAt: string | null;
  finishedAt: string | null;
}

/** The input of a running stage, and the callbacks for its metrics, progress and warnings. */
export interface StageContext<Input = unknown> extends JobRecord {
  job: { id: string; name: string | null; spec: JobSpec };
  stage: StagePlan;
  input: Input;
  /** The number of the attempt. Once it has begun to train, older attempts cannot commit checkpoints. */
  attempt: number;
  /**
   * Returns the result of an earlier stage.
   *
   * @throws DistilleryError `internal` when the stage is of another kind, or has no result
   */
  result<Result extends z.ZodType>(kind: WithResult<Result>, stage: string): z.output<Result>;
  /**
   * Returns how a network that an earlier stage trained turned out.
   *
   * @throws DistilleryError `internal` when the stage did not train it
   */
  network(reference: NetworkReference): Trained;
  store: Store;
  data: DatasetContext;
  /**
   * Starts the engine, unless it runs. A stage that computes calls it first, by `loadMaterials`; others need none.
   *
   * @param threads the number of threads to compute with; absent: that of this process
   */
  engine(threads?: number): Promise<EngineInfo>;
  emit: {
    metrics(row: Omit<MetricRow, 'stage' | 'attempt'>): void;
    progress(progress: StageProgress): void;
    /** Reports a problem that does not stop the stage. */
    warning(message: string): void;
    /** Reports samples of a data set that could not be read and were left out. */
    skipped(data: Omit<SkippedData, 'stage'>): void;
    /** Reports a checkpoint that was committed to the store. */
    checkpoint(saved: SavedCheckpoint): void;
  };
  /** Aborted, with a StopTraining as its reason, when the stage must end early. */
  signal: AbortSignal;
  /** Lets the process handle messages between steps; throws the signal's reason when it is aborted. */
  pause(): Promise<void>;
}
