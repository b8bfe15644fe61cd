import { expect, test } from 'vitest';
import { comparisonPage } from './comparison-page.ts';
import { failedStage, jobOf, reportOf, studentOf } from './testing/report.ts';

const control = studentOf({
  name: 'control',
  control: null,
  runs: [
    { last: 0.68, best: 0.69 },
    { last: 0.69, best: 0.69 },
  ],
});
const term = (name: string, weight: number) => ({ name, weight, gradientNorm: 1, suggestedWeight: 1 });
const hint = studentOf({
  name: 'hint',
  runs: [
    { last: 0.675, best: 0.68, terms: [term('hint', 12), term('cross_entropy', 1)] },
    { last: 0.68, best: 0.685, terms: [term('hint', 14), term('cross_entropy', 1)] },
  ],
  method: [
    { type: 'hint', weight: 'auto', student: 'stage2', teacher: 'stage2', normalize: false },
    { type: 'cross_entropy', weight: 1, labelSmoothing: 0 },
  ],
  gapClosed: [-0.0714, -0.1667],
});
const soft = studentOf({
  name: 'soft',
  runs: [
    { last: 0.7, best: 0.71, seconds: 120 },
    { last: 0.71, best: 0.71, seconds: 131 },
  ],
  method: [
    {
      type: 'soft_target',
      weight: { schedule: 'linear', from: 0, to: 0.9, epochs: 5 },
      temperature: 4,
      standardize: true,
    },
    { type: 'cross_entropy', weight: 0.1, labelSmoothing: 0 },
  ],
  gapClosed: [0.2857, 0.3333],
});
const report = reportOf([control, hint, soft]);

/** Cells of the table by the first one, without its marks. */
function rowsOf(page: string): Record<string, string[]> {
  const lines = page.split('\n').filter((line) => line.startsWith('| '));
  const cells = lines.map((line) => line.slice(2, -2).split(' | '));
  return Object.fromEntries(cells.map(([name, ...rest]) => [name, rest]));
}

test('shows the job and the students, best first', () => {
  const page = comparisonPage([{ job: jobOf('job_1'), report }]);
  expect(page.split('\n').slice(0, 10)).toEqual([
    '# Small networks',
    '',
    '- **data**: cifar10, 45,000 training images (5,000 for validation), 10,000 test images, 10 classes',
    '- **teacher**: 1,186,986 parameters, 189.0 MFLOPs an image, 10 epochs, 2,227 s',
    '- **student**: lightnn (dropout 0.1), 267,738 parameters, 2.7 MFLOPs an image, 10 epochs',
    '- **seeds**: 1, 2',
    '- **job**: job_1; reported on 2026-11-25',
    '',
    '| student | terms and weights | last epoch | best epoch | to its control | gap closed | agrees with teacher | calibration error | seconds |',
    '|---|---|--:|--:|--:|--:|--:|--:|--:|',
  ]);
  const rows = rowsOf(page);
  expect(Object.keys(rows)).toEqual(['student', '**teacher**', 'soft', '*control*', 'hint']);
  expect(rows['**teacher**']).toEqual(['', '75.00', '75.20', '', '', '', '0.050', '2,227']);
  expect(rows.soft).toEqual([
    'soft_target 0 → 0.9 in 5 epochs + cross_entropy 0.1',
    '70.50 ± 0.71',
    '71.00 ± 0.00',
    '+2.00 (2/2)',
    '31 ± 3 %',
    '70.0',
    '0.050',
    '126',
  ]);
  expect(rows['*control*']).toEqual([
    '*labels alone*',
    '68.50 ± 0.71',
    '69.00 ± 0.00',
    '–',
    '–',
    '70.0',
    '0.050',
    '100',
  ]);
  // The weight that was found differs from seed to seed: the mean.
  expect(rows.hint.slice(0, 5)).toEqual([
    'hint auto (13) + cross_entropy 1',
    '67.75 ± 0.35',
    '68.25 ± 0.35',
    '−0.75 (0/2)',
    '−12 ± 7 %',
  ]);
  expect(page).toContain('over 2 seeds');
  expect(page).toContain(
    '- **soft**: `soft_target` 0 → 0.9 in 5 epochs, temperature 4, standardize true + `cross_entropy` 0.1\n',
  );
  expect(page).toContain(
    '- **hint**: `hint` auto (13), student stage2, teacher stage2 + `cross_entropy` 1\n',
  );
  expect(page).toContain(
    'TensorFlow on the CPU (node v20.19.0, tensorflow 2.21.0), 2 threads, float32, on two cores',
  );
  expect(page).not.toMatch(/Warnings|Failures/);
});

test('notes a single seed, and leaves out empty columns', () => {
  const alone = reportOf(
    [{ ...studentOf({ name: 'soft', runs: [{ last: 0.7, best: 0.71 }] }), control: null }],
    {
      name: null,
    },
  );
  const page = comparisonPage([{ job: jobOf('job_1'), report: alone }]);
  expect(page).toContain('# Comparison\n');
  expect(page).toContain('- **seed**: 1\n');
  expect(page).toContain('One seed: differences of a point or two are chance.');
  expect(page).not.toContain('to its control |');
  expect(rowsOf(page).soft.slice(0, 3)).toEqual(['cross_entropy 1', '70.00', '71.00']);
});

test('shows several jobs in one table, with a shared control once', () => {
  const wide = studentOf({
    name: 'wide',
    architecture: { type: 'wide_resnet', depth: 16, width: 2 },
    runs: [
      { last: 0.72, best: 0.72 },
      { last: 0.73, best: 0.73 },
    ],
  });
  const ensembles = [
    {
      name: 'all',
      members: ['wide', 'soft'],
      testAccuracy: { mean: 0.74, sd: null },
      expectedCalibrationError: { mean: 0.02, sd: null },
    },
  ];
  const page = comparisonPage([
    { job: jobOf('job_1'), report },
    {
      job: jobOf('job_2'),
      report: reportOf([control, wide], { job: 'job_2', ensembles, warnings: ['wide | weak'] }),
    },
  ]);
  const rows = rowsOf(page);
  expect(Object.keys(rows)).toEqual([
    'student',
    '**teacher**',
    'wide',
    'soft',
    '*control*',
    'hint',
    'all, 2 together',
  ]);
  expect(rows.wide.slice(0, 2)).toEqual(['wide_resnet (depth 16, width 2)', 'cross_entropy 1']);
  expect(rows.wide[4]).toBe('+4.00 (2/2)');
  expect(page.match(/^- \*\*teacher\*\*/gm)).toHaveLength(1);
  expect(page.match(/^- \*\*student\*\*/gm)).toHaveLength(2);
  expect(page).toContain('- **jobs**: job_1, job_2;');
  expect(page).toContain('## Warnings\n\n- wide | weak\n');
});

test('shows failed stages, jobs without a report and repeated attempts', () => {
  const again = reportOf([control, soft], {
    stages: [{ id: 'student.soft.1', worker: 'w', attempts: 2, seconds: 100 }],
  });
  const failed = jobOf('job_2', {
    state: 'failed',
    stages: [failedStage('student.fsp.1', 'fsp is NaN at step 7')],
  });
  const page = comparisonPage([
    { job: jobOf('job_1'), report: again },
    { job: failed, report: null },
  ]);
  expect(page).toContain(
    [
      '## Failures',
      '',
      '- student.soft.1 took 2 attempts',
      '- job_2 failed without a report',
      '- job_2, student.fsp.1 failed: fsp is NaN at step 7',
      '',
    ].join('\n'),
  );
});

test('refuses jobs that cannot be compared', () => {
  const reason = { code: 'nan', message: 'fsp is NaN' };
  expect(() => comparisonPage([{ job: jobOf('job_1', { state: 'failed', reason }), report: null }])).toThrow(
    'there is no report to show (job_1 failed: fsp is NaN)',
  );
  const elsewhere = reportOf([control], { job: 'job_2', dataset: { ...report.dataset, digest: 'other' } });
  expect(() =>
    comparisonPage([
      { job: jobOf('job_1'), report },
      { job: jobOf('job_2'), report: elsewhere },
    ]),
  ).toThrow('job_1 and job_2 cannot be compared: their data sets differ');
});
