import type { DatasetProfile, StoredDataset } from '@distillery/spec';
import { ago, bytes, integer } from './format.ts';
import { table } from './table.ts';

const mostClasses = 20;

/** Data sets, one a row. */
export function datasetsTable(datasets: readonly StoredDataset[], now = Date.now()): string {
  return table(
    [
      { title: 'data set', whole: true },
      { title: 'name' },
      { title: 'source' },
      { title: 'state' },
      { title: 'samples', align: 'right' },
      { title: 'size', align: 'right' },
      { title: 'made' },
    ],
    datasets.map(({ id, name, source, state, summary, file, createdAt }) => [
      id,
      name,
      source ?? '–',
      state,
      summary === null ? '–' : integer(summary.train + (summary.validation ?? 0) + summary.test),
      file.size === null ? '–' : bytes(file.size),
      ago(createdAt, now),
    ]),
  );
}

/** A data set as lines of text, with its profile if there is one. */
export function datasetText(dataset: StoredDataset, profile?: DatasetProfile): string {
  const { id, name, state, source, file, error, summary, url, received = 0 } = dataset;
  const known = [name, source ?? [], file.size === null ? [] : bytes(file.size)].flat();
  const lines = [`  ${id}: ${known.join(', ')}`];
  if (url !== undefined) lines.push(`  from ${url}`);
  if (state === 'fetching') lines.push(`  It is being fetched; ${bytes(received)} have come.`);
  if (state === 'profiling') lines.push('  It is still being read.');
  if (error !== null) {
    lines.push(`  ${state === 'failed' ? 'It was not fetched' : 'It cannot be used'}: ${error.message}`);
    for (const field of error.errors) lines.push(`    ${field.path}: ${field.message}`);
  }
  if (summary !== null) {
    const { inputs, shape, classes, train, validation, test, skipped, warnings } = summary;
    const given = validation === undefined ? '' : `, ${integer(validation)} validation`;
    lines.push(
      `  ${integer(train)} training${given} and ${integer(test)} test samples (${inputs}, ${shape.join('×')}) of ${integer(classes)} classes`,
    );
    if (skipped > 0) lines.push(`  ${integer(skipped)} files or rows were skipped`);
    for (const warning of warnings) lines.push(`  warning: ${warning}`);
  }
  if (profile !== undefined) lines.push('', ...profileLines(profile));
  if (state === 'ready' && profile === undefined) {
    lines.push(
      '  To train on it, put this into a spec:',
      `    "dataset": {"source": "uploaded", "id": "${id}"}`,
    );
  }
  return lines.join('\n');
}

function profileLines({
  classes,
  splits,
  channels,
  sizes,
  lengths,
  duplicates,
  skipped,
  notes,
}: DatasetProfile): string[] {
  const given = [
    { title: 'training', counts: splits.train },
    ...(splits.validation === undefined ? [] : [{ title: 'validation', counts: splits.validation }]),
    { title: 'test', counts: splits.test },
  ];
  const rows = classes
    .slice(0, mostClasses)
    .map((name, label) => [name, ...given.map(({ counts }) => integer(counts[label]))]);
  const lines = table(
    [{ title: 'class' }, ...given.map(({ title }) => ({ title, align: 'right' }) as const)],
    rows,
  ).split('\n');
  if (classes.length > mostClasses) lines.push(`  and ${integer(classes.length - mostClasses)} more`);
  lines.push('');
  if (sizes !== null)
    lines.push(`  images from ${sizes.smallest.join('×')} to ${sizes.largest.join('×')} pixels`);
  if (lengths !== null)
    lines.push(`  texts of ${lengths.mean.toFixed(1)} tokens, at most ${integer(lengths.longest)}`);
  for (const { name, mean, std } of channels.slice(0, mostClasses))
    lines.push(`  ${name}: mean ${mean.toPrecision(4)}, deviation ${std.toPrecision(4)}`);
  const { train, test, leaks, conflicts } = duplicates;
  lines.push(
    `  duplicates: ${integer(train)} in training, ${integer(test)} in test, ${integer(leaks)} in both, ${integer(conflicts)} of different classes`,
  );
  for (const { first, second } of duplicates.examples.slice(0, 10)) {
    const shown = ({ split, index, name }: typeof first) => name ?? `${split} sample ${integer(index)}`;
    lines.push(`  equal: ${shown(first)} and ${shown(second)}`);
  }
  for (const { name, reason } of skipped.first.slice(0, 10)) lines.push(`  skipped: ${name}: ${reason}`);
  for (const note of notes) lines.push(`  ${note}`);
  return lines;
}
