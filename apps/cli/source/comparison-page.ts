import type { JobView, NetworkResult, Report } from '@distillery/spec';
import { architectureText, comparisonTable } from './comparison-table.ts';
import { integer } from './format.ts';
import { methodInFull } from './method-words.ts';

export interface Compared {
  job: JobView;
  /** Null without a report: the job has not ended, or has failed. */
  report: Report | null;
}

type Student = Report['students'][number];

/**
 * Renders the report of a job as Markdown, or the reports of several jobs with one data set and teacher, with all students
 * in one table. A long comparison is safer as several jobs, because a job fails with its first failed stage.
 *
 * @throws Error when nothing can be compared: no report, or reports over different data
 */
export function comparisonPage(compared: readonly Compared[]): string {
  const reports = compared.flatMap(({ report }) => report ?? []);
  const [first] = reports;
  if (first === undefined) {
    const states = compared.map(
      ({ job }) => `${job.id} ${job.state}${job.reason ? `: ${job.reason.message}` : ''}`,
    );
    throw new Error(`there is no report to show (${states.join('; ')})`);
  }
  const other = reports.find(({ dataset }) => dataset.digest !== first.dataset.digest);
  if (other !== undefined) {
    throw new Error(`${first.job} and ${other.job} cannot be compared: their data sets differ`);
  }
  const students = ranked(reports);
  const runs = students.flatMap((student) => student.runs);
  return [
    `# ${first.name ?? 'Comparison'}`,
    '',
    ...facts(reports, students),
    '',
    comparisonTable(
      teachersOf(reports),
      students,
      reports.flatMap(({ ensembles }) => ensembles),
    ),
    '',
    ...readingAid(reports, students),
    '',
    '## Methods',
    '',
    ...students.map((student) => `- **${student.name}**: ${methodInFull(student)}`),
    '',
    ...section('Warnings', [...new Set(reports.flatMap(({ warnings }) => warnings))]),
    ...section('Failures', failures(compared)),
    ...section('Engines', [...new Set([...teachersOf(reports), ...runs].map(engineOf))]),
  ].join('\n');
}

/** Sorts the students of all reports by mean test accuracy after the last epoch; a shared control appears once. */
function ranked(reports: readonly Report[]): Student[] {
  const seen = new Set<string>();
  return reports
    .flatMap(({ students }) => students)
    .filter(({ name, runs }) => {
      const key = [name, ...runs.map(({ last }) => last.weights.digest)].join(' ');
      return !seen.has(key) && seen.add(key);
    })
    .sort((a, b) => b.testAccuracy.last.mean - a.testAccuracy.last.mean);
}

function teachersOf(reports: readonly Report[]): Report['teachers'] {
  const byDigest = new Map(
    reports.flatMap(({ teachers }) => teachers).map((one) => [`${one.name} ${one.best.weights.digest}`, one]),
  );
  return [...byDigest.values()];
}

function facts(reports: readonly Report[], students: readonly Student[]): string[] {
  const [{ dataset, createdAt }] = reports;
  const seeds = distinct(students.flatMap(({ runs }) => runs.map(({ seed }) => seed)));
  const epochs = distinct(students.flatMap(({ runs }) => runs.map((run) => run.epochs)));
  const validation =
    dataset.validation === 0 ? 'no validation split' : `${integer(dataset.validation)} for validation`;
  const networks = new Map(
    students.map(({ architecture, runs }) => [architectureText(architecture), runs[0]]),
  );
  return [
    `- **data**: ${dataset.source}, ${integer(dataset.train)} training images (${validation}), ` +
      `${integer(dataset.test)} test images, ${dataset.classes.length} classes`,
    ...teachersOf(reports).map(
      (one) =>
        `- **${one.name === 'teacher' ? 'teacher' : `teacher ${one.name}`}**: ${sizeText(one)}, ${one.epochs} epochs, ` +
        (one.reused ? 'trained by an earlier job' : `${integer(one.seconds)} s`),
    ),
    ...[...networks].map(
      ([words, run]) => `- **student**: ${words}, ${sizeText(run)}, ${epochs.join(' or ')} epochs`,
    ),
    `- **${seeds.length === 1 ? 'seed' : 'seeds'}**: ${seeds.join(', ')}`,
    `- **${reports.length === 1 ? 'job' : 'jobs'}**: ${reports.map(({ job }) => job).join(', ')}; ` +
      `reported on ${createdAt.slice(0, 10)}`,
  ];
}

const distinct = (numbers: readonly number[]) => [...new Set(numbers)].sort((a, b) => a - b);

function sizeText({ parameters, flops }: NetworkResult): string {
  return `${integer(parameters)} parameters, ${(flops / 1e6).toFixed(1)} MFLOPs an image`;
}

function readingAid([{ dataset }]: readonly Report[], students: readonly Student[]): string[] {
  const count = Math.max(...students.map(({ runs }) => runs.length));
  return [
    'Test accuracy in percent, sorted by that of the last epoch; ' +
      (dataset.validation === 0
        ? 'without a validation split the best epoch is the last.'
        : 'the best epoch was chosen on the validation split alone.'),
    count > 1
      ? `Mean ± sample standard deviation over ${count} seeds: a difference smaller than the spread may be chance.`
      : 'One seed: differences of a point or two are chance.',
    '"To its control" is the difference in points to the same network with the same seed and initial weights, trained on',
    'labels alone, and the number of seeds with a gain. "Gap closed" is that difference divided by the one between teacher',
    'and control. The calibration error is the expected one over 15 bins; seconds are the time of one training.',
  ];
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`## ${title}`, '', ...lines.map((line) => `- ${line}`), ''];
}

/** Lists failed stages, and those with more than one attempt. */
function failures(compared: readonly Compared[]): string[] {
  return compared.flatMap(({ job, report }) => [
    ...(report === null ? [`${job.id} ${job.state} without a report`] : []),
    ...job.stages
      .filter(({ state }) => state === 'failed')
      .map(({ id, reason }) => `${job.id}, ${id} failed: ${reason?.message ?? 'without a reason'}`),
    ...(report?.stages ?? [])
      .filter(({ attempts }) => attempts > 1)
      .map(({ id, attempts }) => `${id} took ${attempts} attempts`),
  ]);
}

function engineOf({ engine, precision }: NetworkResult): string {
  const versions = Object.entries(engine.versions).map(([name, version]) => `${name} ${version}`);
  return `${engine.backend} (${versions.join(', ')}), ${engine.threads} threads, ${precision}, on ${engine.hardware}`;
}
