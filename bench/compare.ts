import type { Answer, Part, Request, Timing } from './protocol.ts';

/** A row of the tables. */
export interface Comparison {
  /** What `--only` calls it. */
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

/** Ours, PyTorch as people run it, PyTorch with an allocator that keeps its memory. */
export const sides = ['ours', 'peer', 'tuned'] as const;
export type Side = (typeof sides)[number];
export type Each<T> = Record<Side, T>;
export type Ask = (request: Request) => Promise<Answer>;

/** A row as measured: what each side answered, round by round. */
export type Measured = Comparison & { rounds: Each<Round>[] };
/** A row that one side cannot do, and why. */
export type Refused = Comparison & { refused: string };

interface Round {
  milliseconds: number;
  parts: Part[] | undefined;
  peakBytes: number;
  version: string;
}

/**
 * Measures one row. The sides take turns and each sleeps while another runs, so that a machine that slows down slows
 * all of them; another side begins each round.
 *
 * @param steps of a round, where the row is a step: the round's figure is their median
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

/** The student's steps are so short that as many take no time: a few of them would show a process that just woke. */
function stepsOf(task: Request['task'], steps: number): number {
  return task === 'student' ? 10 * steps : steps;
}

function roundOf({ milliseconds, parts, peakBytes, version }: Timing): Round {
  return { milliseconds: median(milliseconds), parts, peakBytes, version };
}

/** A ratio over rounds: each is of two neighbours in time. */
export interface Ratio {
  median: number;
  low: number;
  high: number;
}

/** A side's time divided by ours: above 1, ours is faster. */
export function ratioOf({ rounds }: Measured, side: Side): Ratio {
  const ratios = rounds.map((round) => round[side].milliseconds / round.ours.milliseconds);
  return { median: median(ratios), low: Math.min(...ratios), high: Math.max(...ratios) };
}

/** The mean of the middle two where there are two. */
export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}
