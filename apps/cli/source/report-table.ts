import { styleText } from 'node:util';
import { type Report, type Spread, spreadOf } from '@distillery/spec';
import { differencesFromControl } from './control-differences.ts';
import { integer, percent } from './format.ts';
import { table } from './table.ts';

type Student = Report['students'][number];

/** Renders a report for the terminal. */
export function reportTable(report: Report): string {
  const several = report.students.some(({ runs }) => runs.length > 1);
  const { teachers, dataset } = report;
  const first = teachers[0] ?? report.students[0].runs[0];
  // Without validation images no epoch is better than the last.
  const withBest = dataset.validation > 0;
  const rows = [
    ...teachers.map((teacher) => [
      styleText('bold', teacher.name),
      integer(teacher.parameters),
      hundredths(teacher.last.testAccuracy),
      ...(withBest ? [hundredths(teacher.best.testAccuracy)] : []),
      '–',
      '–',
    ]),
    ...report.students.map((student) => {
      const { name, runs, testAccuracy, agreement, control } = student;
      return [
        control === null && name.startsWith('control') ? `${name} (alone)` : name,
        integer(runs[0].parameters),
        spreadText(testAccuracy.last),
        ...(withBest ? [spreadText(testAccuracy.best)] : []),
        gainOf(student, report.students),
        agreement === null ? '–' : percent(agreement.mean),
      ];
    }),
    ...report.ensembles.map(({ name, members, testAccuracy }) => [
      styleText('italic', `${name} (${members.length} together)`),
      '–',
      ...(withBest ? ['–'] : []),
      spreadText(testAccuracy),
      '–',
      '–',
    ]),
  ];
  const columns = [
    { title: 'network' },
    { title: 'parameters', align: 'right' },
    { title: 'test %, last epoch', align: 'right' },
    ...(withBest ? [{ title: 'test %, best epoch', align: 'right' } as const] : []),
    { title: 'gain over control', align: 'right' },
    { title: 'agreement', align: 'right' },
  ] as const;
  const facts = [
    `${dataset.source}: ${integer(dataset.train)} training, ${integer(dataset.validation)} validation and ` +
      `${integer(dataset.test)} test images, ${dataset.classes.length} classes`,
    several
      ? `mean ± standard deviation over ${report.students[0].runs.length} seeds`
      : 'one seed: differences of a point or two are noise',
    'gain: points of test accuracy over the control; agreement: with the teacher',
    `engine: ${first.engine.backend}, ${first.engine.threads} threads, ${first.precision}` +
      (first.steps === null ? '' : `, ${first.steps.mode} steps`),
  ];
  return [
    table(columns, rows),
    '',
    ...facts.map((fact) => styleText('dim', `  ${fact}`)),
    ...report.warnings.map((warning) => styleText('yellow', `  ! ${warning}`)),
  ].join('\n');
}

/** `+6.6 ± 2.3`: the mean and the spread, over the seeds, of a student's accuracy above its control's, in points. */
export function gainOf(student: Student, students: readonly Student[]): string {
  const differences = differencesFromControl(student, students);
  if (differences.length === 0) return '–';
  const { mean, sd } = spreadOf(differences);
  return `${mean < 0 ? '−' : '+'}${spreadText({ mean: Math.abs(mean), sd })}`;
}

/** `75.3`, in percent */
function hundredths(share: number): string {
  return (100 * share).toFixed(1);
}

/** `75.3 ± 0.4`, in percent */
export function spreadText({ mean, sd }: Spread): string {
  return sd === null ? hundredths(mean) : `${hundredths(mean)} ± ${hundredths(sd)}`;
}
