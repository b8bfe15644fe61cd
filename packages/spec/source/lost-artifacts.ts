import { DistilleryError } from './errors.ts';

/**
 * A stage cannot run because artifacts of earlier stages are missing or damaged. It can run once these stages have run
 * again.
 */
export class LostArtifacts extends DistilleryError {
  /** The ids of the stages to run again. */
  readonly stages: readonly string[];

  constructor(stages: readonly string[], message: string, options?: { cause?: unknown }) {
    super('artifact_corrupt', message, options);
    this.stages = stages;
  }
}
