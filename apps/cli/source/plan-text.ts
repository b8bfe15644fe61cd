import { styleText } from 'node:util';
import type { Plan } from '@distillery/spec';
import { bytes, duration, integer } from './format.ts';
import { table } from './table.ts';

/** Renders the plan of a job: what it trains, in which stages, and what that takes. */
export function planText({
  dataset,
  teachers,
  students,
  augmentations,
  stages,
  estimate,
  warnings,
}: Plan): string {
  const shape = dataset.shape.join(' × ');
  const networks = [
    ...teachers.map((one) => [styleText('bold', one.name), one.architecture, '–', one]),
    ...students.map((one) => [
      one.name,
      one.architecture,
      one.terms.map(({ name }) => name).join(' + '),
      one,
    ]),
  ] as [string, string, string, Plan['teachers'][number]][];
  const projectors = students.flatMap(({ name, terms }) =>
    terms.flatMap((term) =>
      term.projectors.map(({ from, to, parameters }) => [
        name,
        term.name,
        from.join('×'),
        to.join('×'),
        integer(parameters),
      ]),
    ),
  );
  return [
    `  ${dataset.source}: ${integer(dataset.train)} training, ${integer(dataset.validation)} validation and ` +
      `${integer(dataset.test)} test samples of ${shape}, ${dataset.classes.length} classes`,
    '',
    table(
      [
        { title: 'network' },
        { title: 'architecture' },
        { title: 'trained by' },
        { title: 'parameters', align: 'right' },
        { title: 'size', align: 'right' },
        { title: 'MFLOPs', align: 'right' },
      ],
      networks.map(([name, architecture, terms, size]) => [
        name,
        architecture,
        terms,
        integer(size.parameters),
        bytes(size.bytes),
        (size.flops / 1e6).toFixed(1),
      ]),
    ),
    ...(projectors.length === 0
      ? []
      : [
          '',
          table(
            [
              { title: 'projector of' },
              { title: 'term' },
              { title: 'from' },
              { title: 'to' },
              { title: 'parameters', align: 'right' },
            ],
            projectors,
          ),
        ]),
    ...starts([...teachers, ...students]),
    '',
    ...augmentations.map((one) => `  ${augmentationText(one)}`),
    `  ${stages.length} stages, ${estimate.seconds === null ? 'of unknown duration until a worker has measured its speed' : `about ${duration(estimate.seconds)} on one worker`}`,
    styleText(
      'dim',
      `  memory of the largest trainer ${bytes(estimate.memoryBytes)}, data ${bytes(estimate.datasetBytes)}, ` +
        `cached outputs ${bytes(estimate.outputsBytes)}`,
    ),
    ...warnings.map((warning) => styleText('yellow', `  ! ${warning}`)),
  ].join('\n');
}

/** Says where the first weights of networks come from, one line for each that does not start from random ones. */
function starts(networks: readonly (Plan['teachers'] | Plan['students'])[number][]): string[] {
  const lines = networks.flatMap(({ name, initial }) => {
    if (initial === undefined) return [];
    const { source, copied, fresh } = initial;
    const shown = /^[0-9a-f]{64}$/.test(source) ? source.slice(0, 12) : source;
    const random = fresh.length === 0 ? '' : `, ${fresh.join(', ')} from random weights`;
    return [`  ${name} starts from ${shown}: ${integer(copied)} tensors are copied${random}`];
  });
  return lines.length === 0 ? [] : ['', ...lines];
}

/** Says what an augmentation costs, in one line. */
function augmentationText({
  augmentation,
  students,
  views,
  inputs,
  outputsBytes,
  outputsWork,
  teachingWork,
}: Plan['augmentations'][number]): string {
  const work = (operations: number) => `${(operations / 1e12).toPrecision(2)} TFLOPs`;
  const seen =
    augmentation === 'none'
      ? 'no augmentation'
      : `${augmentation}, ${views} ${views === 1 ? 'view' : 'views'}`;
  const facts = [
    ...(outputsBytes > 0 ? [`${bytes(outputsBytes)} of outputs, ${work(outputsWork)} to compute them`] : []),
    ...(teachingWork > 0 ? [`${work(teachingWork)} of teachers in the loop`] : []),
    ...(inputs > 1 ? [`${inputs} samples read for each`] : []),
  ];
  return [`${students.length} ${students.length === 1 ? 'student' : 'students'} with ${seen}`, ...facts].join(
    '; ',
  );
}
