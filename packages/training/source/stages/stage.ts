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
 * A kind of stage: one file that says how a job's stages of this kind are planned, what a plan tells each of them, how it
 * runs, and what its result holds. Planner, API and worker know stages through these descriptions alone.
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
  /** The ids of the stages that must have succeeded before, those whose results it reads among them. */
  needs(input: z.output<Input>): string[];
  /** What people are told of the stage: the network that it trains or whose outputs it stores, and its seed. */
  about(input: z.output<Input>): { network?: string; seed?: number };
  /**
   * The stages of this kind that a job has.
   *
   * @param before the stages of the kinds that the registry lists before this one
   */
  plan(job: PlanningJob, before: readonly PlannedStage[]): StageDraft<z.output<Input>>[];
  /** The networks that the stage trains, each with how it turned out where there is a result. */
  networks?(input: z.output<Input>, result?: z.output<Result>): StageNetwork[];
  /** What the result names in the store. */
  artifacts(result: z.output<Result>): StageArtifacts;
  /** Results that jobs share by the digest of all that determines them, where the kind has such. */
  readonly shared?: SharedResults;
  /** The job's report, of the kind that writes it. */
  report?(result: z.output<Result>): Report;
  /**
   * Runs the stage.
   *
   * @throws StopTraining when the stage must end early; DistilleryError with the reason when it fails
   */
  run(context: StageContext<z.output<Input>>): Promise<z.output<Result>>;
}

/** What of a kind tells its results. */
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

/** What a result, or a shared manifest, names in the store. */
export interface StageArtifacts {
  /** Digests of blobs. */
  blobs: string[];
  /** Addresses of shared results: of one manifest, or of the folder that holds several. */
  shared: string[];
}

/** Results in the store that later jobs find and reuse. */
interface SharedResults {
  /** Manifests lie below this folder of the store. */
  folder: string;
  /**
   * The digests of the blobs that one manifest names.
   *
   * @throws z.ZodError for a manifest of another form
   */
  blobs(manifest: unknown): string[];
}

/** What the job's record holds beside the results of its stages. */
export interface JobRecord {
  /** Every stage of the job, as it is now. */
  records: readonly StageRecord[];
  warnings: readonly JobWarning[];
  skippedData: readonly SkippedData[];
}

/** What the job's record holds of one stage. */
export interface StageRecord {
  id: string;
  worker: string | null;
  attempt: number;
  startedAt: string | null;
  finishedAt: string | null;
}

/** What a stage is given, and what it tells while it runs. */
export interface StageContext<Input = unknown> extends JobRecord {
  job: { id: string; name: string | null; spec: JobSpec };
  stage: StagePlan;
  input: Input;
  /** Once an attempt has begun to train, older attempts can commit no checkpoint any more. */
  attempt: number;
  /**
   * What an earlier stage returned.
   *
   * @throws DistilleryError `internal` when the stage is of another kind, or has no result
   */
  result<Result extends z.ZodType>(kind: WithResult<Result>, stage: string): z.output<Result>;
  /**
   * How a network turned out that an earlier stage trained.
   *
   * @throws DistilleryError `internal` when the stage did not train it
   */
  network(reference: NetworkReference): Trained;
  store: Store;
  data: DatasetContext;
  engine: EngineInfo;
  tell: {
    metrics(row: Omit<MetricRow, 'stage' | 'attempt'>): void;
    progress(progress: StageProgress): void;
    /** Something that people should know and that stops nothing. */
    warning(message: string): void;
    /** Samples of a data set could not be read and were left out. */
    skipped(data: Omit<SkippedData, 'stage'>): void;
    /** A checkpoint was committed to the store. */
    checkpoint(saved: SavedCheckpoint): void;
  };
  /** Aborted when the stage must end early; its reason is a StopTraining. */
  signal: AbortSignal;
  /** Awaited between steps, so that the process can read its messages; throws the signal's reason once it is aborted. */
  pause(): Promise<void>;
}
