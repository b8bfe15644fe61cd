import type { MetricRow } from '@distillery/spec';
import { clientAction, clientCommand } from '../run-command.ts';
import { createSeries, type Series } from '../series.ts';
import { integer } from '../format.ts';
import { sparkline } from '../sparkline.ts';
import { table } from '../table.ts';

interface MetricsOptions {
  stage?: string;
  value?: string;
  json?: boolean;
  csv?: boolean;
}

const pageRows = 10_000;

export const metrics = () =>
  clientCommand('metrics')
    .summary('show the training curves of a job')
    .description(
      'Prints a row for each curve with its first, best and last value and its shape. As CSV or JSON it prints every row.',
    )
    .argument('<job>', 'the id of the job')
    .option('--stage <id>', 'the curves of one stage, for example student.soft.1')
    .option('--value <name>', 'one curve, for example loss or validation_accuracy')
    .option('--csv', 'print every value as CSV: stage, epoch, step, name and value')
    .option('--json', 'print every row as a line of JSON')
    .action(
      clientAction(async ({ client, print }, id: string, { stage, value, json, csv }: MetricsOptions) => {
        const rows = client.jobs.metrics(id, { stage, limit: pageRows });
        if (json) {
          for await (const row of rows) print(JSON.stringify(row));
          return;
        }
        if (csv) {
          print('stage,epoch,step,name,value');
          for await (const row of rows) for (const line of csvLines(row, value)) print(line);
          return;
        }
        const curves = new Map<string, Map<string, Curve>>();
        for await (const row of rows) addRow(curves, row, value);
        print(curves.size === 0 ? '  No values yet.' : curvesTable(curves));
      }),
    );

interface Curve {
  series: Series;
  first: number;
  least: number;
  most: number;
  step: number;
}

function addRow(
  curves: Map<string, Map<string, Curve>>,
  { stage, step, values }: MetricRow,
  only?: string,
): void {
  const own = curves.get(stage) ?? new Map<string, Curve>();
  curves.set(stage, own);
  for (const [name, value] of Object.entries(values)) {
    if (value === null || (only !== undefined && name !== only)) continue;
    const curve = own.get(name) ?? { series: createSeries(), first: value, least: value, most: value, step };
    own.set(name, curve);
    curve.series.add(value);
    Object.assign(curve, { least: Math.min(curve.least, value), most: Math.max(curve.most, value), step });
  }
}

function curvesTable(curves: ReadonlyMap<string, ReadonlyMap<string, Curve>>): string {
  const rows = [...curves].flatMap(([stage, own]) =>
    [...own].map(([name, { series, first, least, most, step }], i) => [
      i === 0 ? stage : '',
      name,
      integer(step),
      short(first),
      // A loss is best where it is least, an accuracy where it is greatest.
      short(/accuracy|agreement|samplesPerSecond/.test(name) ? most : least),
      short(series.last ?? first),
      sparkline(series.values, 12),
    ]),
  );
  return table(
    [
      { title: 'stage' },
      { title: 'value' },
      { title: 'steps', align: 'right' },
      { title: 'first', align: 'right' },
      { title: 'best', align: 'right' },
      { title: 'last', align: 'right' },
      { title: 'curve', whole: true },
    ],
    rows,
  );
}

function short(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return String(value);
  return Math.abs(value) >= 1e5 || Math.abs(value) < 1e-3 ? value.toExponential(1) : value.toPrecision(4);
}

function csvLines({ stage, epoch, step, values }: MetricRow, only?: string): string[] {
  return Object.entries(values)
    .filter(([name]) => only === undefined || name === only)
    .map(([name, value]) => [stage, epoch, step, name, value ?? ''].map(cell).join(','));
}

/** A cell of CSV (RFC 4180). */
function cell(value: string | number): string {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
