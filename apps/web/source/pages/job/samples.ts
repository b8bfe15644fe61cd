import { divergence, largestIndex, softmax } from '../../results/softmax.ts';

/** A test sample with the logits of three networks, as `GET /v1/jobs/:id/samples` answers it. */
export interface Sample {
  index: number;
  /** The index of its class. */
  label: number;
  text: string | null;
  teacher: number[];
  student: number[];
  control: number[] | null;
  disagreement: number;
}

export interface Samples {
  total: number;
  kind: 'image' | 'text' | 'numbers';
  classes: string[];
  samples: Sample[];
}

/** What a network answers for a sample. */
export interface Verdict {
  /** The class it chooses. */
  choice: number;
  /** Its probability at temperature 1. */
  confidence: number;
  right: boolean;
}

export function verdictOf(logits: readonly number[], label: number): Verdict {
  const choice = largestIndex(logits);
  return { choice, confidence: softmax(logits)[choice], right: choice === label };
}

/** One class of a sample: the probabilities of the three networks at a temperature. */
export interface SoftTarget {
  index: number;
  teacher: number;
  student: number;
  control: number | null;
}

/** The classes of a sample by the teacher's probability, largest first; the rest beyond `most` is left out. */
export function softTargets(
  { teacher, student, control }: Sample,
  temperature: number,
  most = 20,
): SoftTarget[] {
  const [p, q] = [softmax(teacher, temperature), softmax(student, temperature)];
  const r = control === null ? null : softmax(control, temperature);
  return p
    .map((own, index) => ({ index, teacher: own, student: q[index], control: r?.[index] ?? null }))
    .sort((a, b) => b.teacher - a.teacher || a.index - b.index)
    .slice(0, most);
}

/** KL(teacher‖other) at a temperature, in nats. */
export const divergenceAt = (
  teacher: readonly number[],
  other: readonly number[],
  temperature: number,
): number => divergence(softmax(teacher, temperature), softmax(other, temperature));
