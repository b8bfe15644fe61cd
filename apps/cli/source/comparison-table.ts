import type { Report, Spread } from '@distillery/spec';
import { differencesFromControl } from './control-differences.ts';
import { integer } from './format.ts';
import { markdownTable } from './markdown.ts';
import { methodInShort } from './method-words.ts';

type Teacher = Report['teachers'][number];
type Student = Report['students'][number];
type Ensemble = Report['ensembles'][number];

interface Column {
  title: string;
  /** Whether the column is shown; a column with one value in every row is not. */
  shown?(students: readonly Student[]): boolean;
  student(student: Student, students: readonly Student[]): string;
  teacher?(teacher: Teacher): string;
  ensemble?(ensemble: Ensemble): string;
}

const columns: Column[] = [
  {
    title: 'student',
    student: (student, students) => (isControl(student, students) ? `*${student.name}*` : student.name),
    teacher: ({ name }) => `**${name}**`,
    ensemble: ({ name, members }) => `${name}, ${members.length} together`,
  },
  {
    title: 'network',
    shown: (students) => several(students.map(({ architecture }) => architectureText(architecture))),
    student: ({ architecture }) => architectureText(architecture),
  },
  {
    title: 'terms and weights',
    student: (student, students) =>
      isControl(student, students) ? '*labels alone*' : methodInShort(student),
  },
  {
    title: 'taught by',
    shown: (students) =>
      several(students.flatMap(({ teachers }) => (teachers.length === 0 ? [] : teachers.join(' + ')))),
    student: ({ teachers }) => teachers.join(' + ') || '–',
  },
  {
    title: 'last epoch:',
    student: ({ testAccuracy }) => percents(testAccuracy.last),
    teacher: ({ last }) => percents({ mean: last.testAccuracy, sd: null }),
  },
  {
    title: 'best epoch:',
    student: ({ testAccuracy }) => percents(testAccuracy.best),
    teacher: ({ best }) => percents({ mean: best.testAccuracy, sd: null }),
    ensemble: ({ testAccuracy }) => percents(testAccuracy),
  },
  {
    title: 'to its control:',
    shown: controlled,
    student: toControl,
  },
  {
    title: 'gap closed:',
    shown: controlled,
    student: ({ gapClosed }) =>
      gapClosed === null ? '–' : `${percents(gapClosed.last, 0)} %`.replaceAll('-', '−'),
  },
  {
    title: 'agrees with teacher:',
    student: ({ agreement }) => (agreement === null ? '–' : percents(agreement, 1)),
  },
  {
    title: 'calibration error:',
    student: ({ expectedCalibrationError }) => expectedCalibrationError.mean.toFixed(3),
    teacher: ({ best }) => best.expectedCalibrationError.toFixed(3),
    ensemble: ({ expectedCalibrationError }) => expectedCalibrationError.mean.toFixed(3),
  },
  {
    title: 'seconds:',
    student: ({ runs }) => integer(mean(runs.map(({ seconds }) => seconds))),
    teacher: ({ seconds }) => integer(seconds),
  },
];

/** Renders the teachers, then the students in their order, then the ensembles. */
export function comparisonTable(
  teachers: readonly Teacher[],
  students: readonly Student[],
  ensembles: readonly Ensemble[],
): string {
  const shown = columns.filter(({ shown }) => shown?.(students) ?? true);
  return markdownTable(
    shown.map(({ title }) => title),
    [
      ...teachers.map((one) => shown.map(({ teacher }) => teacher?.(one) ?? '')),
      ...students.map((one) => shown.map(({ student }) => student(one, students))),
      ...ensembles.map((one) => shown.map(({ ensemble }) => ensemble?.(one) ?? '')),
    ],
  );
}

/** `resnet (depth 8, width 4)` */
export function architectureText({ type, ...options }: Student['architecture']): string {
  const words = Object.entries(options).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  return words.length === 0 ? String(type) : `${String(type)} (${words.join(', ')})`;
}

function isControl({ name }: Student, students: readonly Student[]): boolean {
  return students.some(({ control }) => control === name);
}

function controlled(students: readonly Student[]): boolean {
  return students.some(({ control }) => control !== null);
}

function several(words: readonly string[]): boolean {
  return new Set(words).size > 1;
}

/** `+0.64 (3/3)`: the mean difference to the control with the same seed, in points, and the number of seeds with a gain. */
function toControl(student: Student, students: readonly Student[]): string {
  const differences = differencesFromControl(student, students);
  if (differences.length === 0) return '–';
  const points = 100 * mean(differences);
  const above = differences.filter((difference) => difference > 0).length;
  return `${points < 0 ? '−' : '+'}${Math.abs(points).toFixed(2)} (${above}/${differences.length})`;
}

/** `69.10 ± 0.32` */
function percents({ mean, sd }: Spread, digits = 2): string {
  const middle = (100 * mean).toFixed(digits);
  return sd === null ? middle : `${middle} ± ${(100 * sd).toFixed(digits)}`;
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}
