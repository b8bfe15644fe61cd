import { styleText } from 'node:util';
import type { Report, Spread } from '@distillery/spec';
import { duration, integer, percent } from './format.ts';
import { table } from './table.ts';

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
      teacher.reused ? 'reused' : duration(teacher.seconds),
    ]),
    ...report.students.map(({ name, runs, testAccuracy, agreement, gapClosed, control }) => [
      control === null && name.startsWith('control') ? `${name} (alone)` : name,
      integer(runs[0].parameters),
      spread(testAccuracy.last),
      ...(withBest ? [spread(testAccuracy.best)] : []),
      agreement === null ? '–' : percent(agreement.mean),
      gapClosed === null ? '–' : `${(100 * gapClosed.last.mean).toFixed(0)} %`,
      duration(runs.reduce((sum, { seconds }) => sum + seconds, 0)),
    ]),
    ...report.ensembles.map(({ name, members, testAccuracy }) => [
      styleText('italic', `${name} (${members.length} together)`),
      '–',
      ...(withBest ? ['–'] : []),
      spread(testAccuracy),
      '–',
      '–',
      '–',
    ]),
  ];
  const columns = [
    { title: 'network' },
    { title: 'parameters', align: 'right' },
    { title: 'test %, last epoch', align: 'right' },
    ...(withBest ? [{ title: 'test %, best epoch', align: 'right' } as const] : []),
    { title: 'agreement', align: 'right' },
    { title: 'gap closed', align: 'right' },
    { title: 'time', align: 'right' },
  ] as const;
  const facts = [
    `${dataset.source}: ${integer(dataset.train)} training, ${integer(dataset.validation)} validation and ` +
      `${integer(dataset.test)} test images, ${dataset.classes.length} classes`,
    several
      ? `mean ± standard deviation over ${report.students[0].runs.length} seeds`
      : 'one seed: differences of a point or two are noise',
    `engine: ${first.engine.backend}, ${first.engine.threads} threads, ${first.precision}`,
  ];
  return [
    table(columns, rows),
    '',
    ...facts.map((fact) => styleText('dim', `  ${fact}`)),
    ...report.warnings.map((warning) => styleText('yellow', `  ! ${warning}`)),
  ].join('\n');
}

/** `75.3`, in percent */
function hundredths(share: number): string {
  return (100 * share).toFixed(1);
}

function spread({ mean, sd }: Spread): string {
  return sd === null ? hundredths(mean) : `${hundredths(mean)} ± ${hundredths(sd)}`;
}
