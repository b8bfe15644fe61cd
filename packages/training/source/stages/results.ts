import type { TrainedNetwork } from './network-run.ts';

/** Names of stages, and what the ones before have returned. */

export function teacherStage(name: string): string {
  return name === 'teacher' ? 'teacher' : `teacher.${name}`;
}

export function studentStage(name: string, seed: number): string {
  return `student.${name}.${seed}`;
}

export function mutualStage(seed: number): string {
  return `mutual.${seed}`;
}

/** @param seed of a student that teaches others; absent for a teacher */
export function outputsStage(name: string, seed?: number): string {
  if (seed !== undefined) return `outputs.${name}.${seed}`;
  return name === 'teacher' ? 'outputs' : `outputs.${name}`;
}

interface Trained {
  result?: TrainedNetwork['result'];
  /** By name, of networks that were trained together. */
  results?: Record<string, TrainedNetwork['result']>;
}

/**
 * How a network turned out: a teacher, or a student with a seed.
 *
 * @throws Error when the stages before did not train it, which the plan rules out
 */
export function trainedNetwork(
  results: Readonly<Record<string, unknown>>,
  name: string,
  seed: number,
): TrainedNetwork['result'] {
  const resultOf = (stage: string) => results[stage] as Trained | undefined;
  const found =
    resultOf(studentStage(name, seed))?.result ??
    resultOf(mutualStage(seed))?.results?.[name] ??
    resultOf(teacherStage(name))?.result;
  if (found === undefined) throw new Error(`no stage before has trained ${name} with seed ${seed}`);
  return found;
}
