import type { NetworkResult, Report } from '@distillery/spec';
import { trainedNetwork } from '@distillery/training/testing';
import { expect, test } from 'vitest';
import { modelCard } from './model-card.ts';

function run(seed: number, testAccuracy: number, parameters: number): NetworkResult {
  const { last, best, ...more } = trainedNetwork();
  const score = (of: typeof best) => ({ ...of, testAccuracy, agreement: null, teacherDivergence: null });
  return { ...more, seed, parameters, last: score(last), best: score(best) };
}

function student(
  name: string,
  accuracies: number[],
  more: Partial<Report['students'][number]>,
): Report['students'][number] {
  const spread = { mean: (accuracies[0] + accuracies[1]) / 2, sd: 0.01 };
  return {
    name,
    teachers: [],
    control: null,
    architecture: { type: 'resnet', depth: 8 },
    method: [{ type: 'cross_entropy', weight: 1 }],
    runs: accuracies.map((accuracy, index) => run(index + 1, accuracy, 78_000)),
    testAccuracy: { last: spread, best: spread },
    agreement: null,
    teacherDivergence: null,
    expectedCalibrationError: { mean: 0.0423, sd: null },
    gapClosed: null,
    ...more,
  };
}

const report: Report = {
  job: 'job_1',
  name: 'first | steps',
  createdAt: '2026-11-01T00:00:00.000Z',
  dataset: {
    source: 'cifar10',
    digest: 'd1',
    classes: ['cat', '<b>|dog'],
    train: 45_000,
    validation: 5000,
    test: 10_000,
    skipped: 0,
  },
  teachers: [{ ...run(42, 0.93, 270_000), name: 'teacher' }],
  students: [
    student('control', [0.85, 0.87], {}),
    student('small', [0.88, 0.9], {
      teachers: ['teacher'],
      control: 'control',
      method: [
        { type: 'soft_target', weight: 1 },
        { type: 'cross_entropy', weight: 1 },
      ],
    }),
  ],
  ensembles: [],
  outputs: [],
  stages: [],
  warnings: [],
};
const cardOf = (name: string) => modelCard(report, { name, license: 'mit', version: '9.9.9' });

/** The fields of the metadata: each is a line of JSON, or a word. */
function metadataOf(card: string): Record<string, unknown> {
  const [, head] = /^---\n([^]*?)\n---\n/.exec(card) ?? [];
  const lines = (head ?? '')
    .split('\n')
    .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]);
  return Object.fromEntries(
    lines.map(([name, value]) => [name, /^["[{]/.test(value) ? (JSON.parse(value) as unknown) : value]),
  );
}

test('the metadata are those that Hugging Face reads', () => {
  expect(metadataOf(cardOf('small'))).toMatchObject({
    license: 'mit',
    pipeline_tag: 'image-classification',
    tags: ['knowledge-distillation', 'distillery', 'resnet'],
    'model-index': [
      {
        name: 'small',
        results: [
          {
            task: { type: 'image-classification' },
            dataset: { name: 'cifar10', type: 'cifar10', revision: 'd1' },
            metrics: [{ type: 'accuracy', value: 0.89 }],
          },
        ],
      },
    ],
    distillery: { weights: [{ seed: 1 }, { seed: 2 }], teachers: [{ name: 'teacher' }] },
  });
});

test('the text has the scores over the seeds beside the control and the teacher', () => {
  const card = cardOf('small');
  expect(card).toContain(
    [
      '| small | this network | 78,000 | 89.00 ± 1.00 % | 0.042 |',
      '| control | control | 78,000 | 86.00 ± 1.00 % | 0.042 |',
      '| teacher | teacher | 270,000 | 93.00 % | 0.100 |',
    ].join('\n'),
  );
  expect(card).toContain('distilled from teacher by `soft_target`, `cross_entropy`');
  expect(card).toContain('over the seeds 1, 2.');
  // Names of classes are text, and stay text.
  expect(card).toContain('cat, \\<b\\>\\|dog');
  expect(card).toContain('Distillery 9.9.9');
  expect(cardOf('control')).toContain('trained on the labels.');
});

test('another name is refused with those that there are', () => {
  expect(() => cardOf('large')).toThrow('the job has no student large; its students are: control, small');
});
