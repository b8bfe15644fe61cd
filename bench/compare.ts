import type { Answer, Part, Request, Timing } from './protocol.ts';

/** A row of the tables. */
export interface Comparison {
  /** Its name for `--only`. */
  id: string;
  title: string;
  task: Request['task'];
  precision: Request['precision'];
}

export const comparisons: readonly Comparison[] = [
  { id: 'a', title: 'teacher step (DeepNN)', task: 'teacher', precision: 'float32' },
  { id: 'b', title: 'student step (LightNN)', task: 'student', precision: 'float32' },
  { id: 'c', title: 'soft-target epoch', task: 'distill', precision: 'float32' },
  { id: 'e', title: 'teacher step, bfloat16', task: 'teacher', precision: 'bfloat16' },
  { id: 'e', title: 'student step, bfloat16', task: 'student', precision: 'bfloat16' },
  { id: 'e', title: 'soft-target epoch, bfloat16', task: 'distill', precision: 'bfloat16' },
  { id: 'd', title: 'whole experiment', task: 'experiment', precision: 'float32' },
  { id: 'e', title: 'whole experiment, bfloat16', task: 'experiment', precision: 'bfloat16' },
];

/** Ours, PyTorch by default, and PyTorch with an allocator that keeps its memory. */
export const sides = ['ours', 'peer', 'tuned'] as const;
export type Side = (typeof sides)[number];
export type Each<T> = Record<Side, T>;
export type Ask = (request: Request) => Promise<Answer>;

/** A measured row: the answers of each side, by round. */
export type Measured = Comparison & { rounds: Each<Round>[] };
/** A row that one side cannot run, with the reason. */
export type Refused = Comparison & { refused: string };

interface Round {
  milliseconds: number;
  parts: Part[] | undefined;
  peakBytes: number;
  version: string;
}

/**
 * Measures one row. The sides take turns, and each sleeps while another runs, so that a slower machine slows all of them.
 * A different side starts each round.
 *
 * @param steps the steps of a round, if the row is a step; the result of a round is their median
 */
export async function compare(
  comparison: Comparison,
  ask: Each<Ask>,
  { rounds, steps }: { rounds: number; steps: number },
): Promise<Measured | Refused> {
  const { task, precision } = comparison;
  const measured: Measured = { ...comparison, rounds: [] };
  for (let round = 0; round < rounds; round++) {
    const answers: Partial<Each<Round>> = {};
    for (let turn = 0; turn < sides.length; turn++) {
      const side = sides[(round + turn) % sides.length];
      const answer = await ask[side]({ task, precision, steps: stepsOf(task, steps) });
      if ('refused' in answer) return { ...comparison, refused: answer.refused };
      answers[side] = roundOf(answer);
    }
    measured.rounds.push(answers as Each<Round>);
  }
  return measured;
}

/** The student's steps are short: more of them cost little time, and few would measure a process that has just woken. */
function stepsOf(task: Request['task'], steps: number): number {
  return task === 'student' ? 10 * steps : steps;
}

function roundOf({ milliseconds, parts, peakBytes, version }: Timing): Round {
  return { milliseconds: median(milliseconds), parts, peakBytes, version };
}

/** A ratio over rounds; each compares two adjacent runs. */
export interface Ratio {
  median: number;
  low: number;
  high: number;
}

/** Returns a side's time divided by ours: above 1, ours is faster. */
export function ratioOf({ rounds }: Measured, side: Side): Ratio {
  const ratios = rounds.map((round) => round[side].milliseconds / round.ours.milliseconds);
  return { median: median(ratios), low: Math.min(...ratios), high: Math.max(...ratios) };
}

/** Returns the median; of an even count, the mean of the middle two. */
export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}
