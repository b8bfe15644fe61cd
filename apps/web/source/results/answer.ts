import type { ResultRow } from './rows.ts';

/** A piece of a sentence; the strong ones carry the answer. */
interface Piece {
  text: string;
  strong?: boolean;
}

/** The sentence that a finished job opens with, and the student that it is about. */
export interface Answer {
  best: ResultRow | undefined;
  pieces: Piece[];
}

const percent = (share: number) => `${(share * 100).toFixed(2)} %`;
const points = (difference: number) => `${Math.abs(difference * 100).toFixed(2)} points`;

/**
 * Says which student is best: the most accurate of those that beat their control. When none does, the sentence says so and
 * names the one that comes closest. Without controls it compares with the teacher.
 */
export function answerOf(rows: readonly ResultRow[]): Answer {
  const students = rows.filter(({ network }) => network.role === 'student');
  const teacher = rows.find(({ network }) => network.role === 'teacher');
  const compared = students.filter(({ gain }) => gain !== null);
  const better = compared.filter(({ gain }) => gain !== null && gain.mean > 0);
  if (compared.length === 0) return withoutControls(students, teacher);
  if (better.length === 0) {
    const closest = largest(compared, ({ gain }) => gain?.mean ?? 0);
    return { best: closest, pieces: noGain(compared.length, closest) };
  }
  const best = largest(better, ({ accuracy }) => accuracy.mean);
  const { above, of } = seedsAbove(best);
  return {
    best,
    pieces: [
      { text: best.name, strong: true },
      { text: ' reaches ' },
      { text: percent(best.accuracy.mean), strong: true },
      { text: ', ' },
      { text: `${points(best.gain?.mean ?? 0)} over its control`, strong: true },
      { text: of === 1 ? ' with one seed' : ` in ${above} of ${of} seeds` },
      { text: teacher === undefined ? '.' : `, at ${sizeWords(best.parameters / teacher.parameters)}.` },
    ],
  };
}

/** In how many seeds a student is above its control. */
export function seedsAbove({ gains }: Pick<ResultRow, 'gains'>): { above: number; of: number } {
  return { above: gains.filter((gain) => gain > 0).length, of: gains.length };
}

function noGain(count: number, closest: ResultRow): Piece[] {
  const gain = closest.gain?.mean ?? 0;
  const equal = Math.abs(gain) < 0.00005;
  const far = equal ? 'as much as its control' : `${points(gain)} under its control`;
  return [
    {
      text: count === 1 ? `${closest.name} does not beat its control` : 'No student beats its control',
      strong: true,
    },
    { text: count === 1 ? ': it reaches ' : ': the closest, ' },
    ...(count === 1 ? [] : [{ text: closest.name, strong: true }, { text: ', reaches ' }]),
    { text: percent(closest.accuracy.mean), strong: true },
    { text: `, ${far}.` },
  ];
}

function withoutControls(students: readonly ResultRow[], teacher: ResultRow | undefined): Answer {
  if (students.length === 0) return { best: undefined, pieces: [{ text: 'The job has no students.' }] };
  const best = largest(students, ({ accuracy }) => accuracy.mean);
  const difference = teacher === undefined ? undefined : best.accuracy.mean - teacher.accuracy.mean;
  return {
    best,
    pieces: [
      { text: best.name, strong: true },
      { text: ' reaches ' },
      { text: percent(best.accuracy.mean), strong: true },
      ...(teacher === undefined || difference === undefined
        ? [{ text: '; there is no control to compare it with.' }]
        : [
            { text: `, ${points(difference)} ${difference < 0 ? 'under' : 'over'} its teacher` },
            { text: `, at ${sizeWords(best.parameters / teacher.parameters)}.` },
          ]),
    ],
  };
}

function largest(rows: readonly ResultRow[], by: (row: ResultRow) => number): ResultRow {
  return rows.reduce((best, row) => (by(row) > by(best) ? row : best));
}

const parts = [
  '',
  '',
  'half',
  'a third',
  'a quarter',
  'a fifth',
  'a sixth',
  'a seventh',
  'an eighth',
  'a ninth',
  'a tenth',
];

/** `a third of the teacher’s size`, from the share of its parameters. */
export function sizeWords(share: number): string {
  if (share > 1.05) return `${share.toFixed(1)} times the teacher’s size`;
  if (share > 0.95) return 'the teacher’s size';
  const part = Math.round(1 / share);
  const near = part >= 2 && part <= 10 && Math.abs(1 / part - share) / share < 0.08;
  const percentage = share * 100;
  const digits = percentage < 9.95 ? 1 : 0;
  return `${near ? parts[part] : `${percentage.toFixed(digits)} %`} of the teacher’s size`;
}
