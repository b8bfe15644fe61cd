import { styleText } from 'node:util';
import type { Compared } from './comparison-page.ts';
import { integer, percent } from './format.ts';
import { gainOf, spreadText } from './report-table.ts';
import { stateWord } from './state-words.ts';
import { table } from './table.ts';

/** Renders the students of several jobs in one table, the best first, and the jobs that they belong to. */
export function jobsComparison(jobs: readonly Compared[]): string {
  const students = jobs
    .flatMap(({ report }, i) =>
      (report?.students ?? []).map((student) => ({
        place: i + 1,
        student,
        students: report?.students ?? [],
      })),
    )
    .sort((a, b) => b.student.testAccuracy.best.mean - a.student.testAccuracy.best.mean);
  const teachers = jobs.flatMap(({ report }, i) =>
    (report?.teachers ?? []).map((teacher) => ({ place: i + 1, teacher })),
  );
  const rows = [
    ...teachers.map(({ place, teacher: { name, best, parameters, latencyMs } }) => [
      String(place),
      styleText('bold', name),
      spreadText({ mean: best.testAccuracy, sd: null }),
      '–',
      '–',
      integer(parameters),
      latencyMs.toFixed(1),
    ]),
    ...students.map(({ place, student, students: all }) => [
      String(place),
      student.name,
      spreadText(student.testAccuracy.best),
      gainOf(student, all),
      student.agreement === null ? '–' : percent(student.agreement.mean),
      integer(student.runs[0].parameters),
      student.runs[0].latencyMs.toFixed(1),
    ]),
  ];
  const data = new Set(jobs.flatMap(({ report }) => (report === null ? [] : [report.dataset.digest])));
  return [
    table(
      [
        { title: 'job', align: 'right' },
        { title: 'network' },
        { title: 'test %, best epoch', align: 'right' },
        { title: 'gain over control', align: 'right' },
        { title: 'agreement', align: 'right' },
        { title: 'parameters', align: 'right' },
        { title: 'ms', align: 'right' },
      ],
      rows,
    ),
    '',
    ...jobs.map(
      ({ job }, i) =>
        `  ${i + 1}  ${job.id}  ${job.name ?? '–'}${job.state === 'succeeded' ? '' : `, ${stateWord(job.state)}: no report`}`,
    ),
    ...(data.size > 1
      ? [styleText('yellow', '  ! The jobs have different data: their accuracies are not comparable.')]
      : []),
  ].join('\n');
}
