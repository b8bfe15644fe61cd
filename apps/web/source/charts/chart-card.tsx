import type { ComponentChildren } from 'preact';
import { useRef } from 'preact/hooks';
import { Menu } from '../components/menu.tsx';
import { toast } from '../components/toast.tsx';
import { number } from '../format/numbers.ts';
import { type PlainTable, toCsv } from '../results/export.ts';
import { useQuery } from '../router/query.ts';
import { fileName, saveFile } from './save-file.ts';
import { savePicture } from './save-picture.ts';

interface ChartCardProps {
  /** Names the chart in the address, such as `accuracy`. */
  id: string;
  title: string;
  hint?: ComponentChildren;
  controls?: ComponentChildren;
  /** The job, for the names of files. */
  file: string;
  /** What the chart shows, as a table. */
  table: () => PlainTable;
  class?: string;
  children: ComponentChildren;
}

/** A chart with its title, its controls, and a menu that shows it as a table or saves it. */
export function ChartCard({ id, title, hint, controls, file, table, class: more, children }: ChartCardProps) {
  const card = useRef<HTMLElement>(null);
  const [query, change] = useQuery();
  const tables = (query.get('table') ?? '').split(',').filter((one) => one !== '');
  const asTable = tables.includes(id);
  const name = fileName(file, id);
  const save = (kind: 'svg' | 'png') => {
    const chart = card.current?.querySelector<SVGSVGElement>('.body svg.chart:not(.over)');
    if (!chart) return;
    savePicture(chart, name, kind).catch(() => toast('The picture could not be made', { failed: true }));
  };
  const toggle = () => {
    const next = asTable ? tables.filter((one) => one !== id) : [...tables, id];
    change({ table: next.length === 0 ? null : next.join(',') });
  };
  return (
    <section ref={card} class={`card ${more ?? ''}`} aria-label={title}>
      <header>
        <h2>{title}</h2>
        {hint && <span class="small muted">{hint}</span>}
        <div class="bar push controls">
          {controls}
          <Menu
            kind="quiet"
            small
            icon="more"
            label={`More of ${title}`}
            align="right"
            items={[
              { label: asTable ? 'Show as chart' : 'Show as table', run: toggle },
              { label: 'Save as CSV', run: () => saveFile(toCsv(table()), `${name}.csv`, 'text/csv') },
              ...(asTable
                ? []
                : [
                    { label: 'Save as SVG', run: () => save('svg') },
                    { label: 'Save as PNG', run: () => save('png') },
                  ]),
            ]}
          />
        </div>
      </header>
      <div class="body">{asTable ? <Plain table={table()} label={title} /> : children}</div>
    </section>
  );
}

const mostRows = 200;

/** A chart as a table, for people who read values or use a reader of the screen. */
function Plain({ table: { titles, rows }, label }: { table: PlainTable; label: string }) {
  const shown =
    rows.length <= mostRows
      ? rows
      : rows.filter((_, index) => index % Math.ceil(rows.length / mostRows) === 0);
  return (
    <>
      <div class="scroll plain-table" role="region" aria-label={`${label} as a table`} tabIndex={0}>
        <table class="sticky1">
          <thead>
            <tr>
              {titles.map((title, column) => (
                <th key={column} scope="col" class={column === 0 ? undefined : 'num'}>
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((row, index) => (
              <tr key={index}>
                {row.map((value, column) => (
                  <td key={column} class={column === 0 ? undefined : 'num'}>
                    {typeof value === 'number' ? plainNumber(value) : (value ?? '–')}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {shown.length < rows.length && (
        <p class="small muted">
          {number(shown.length)} of {number(rows.length)} rows; the CSV has all.
        </p>
      )}
    </>
  );
}

const plainNumber = (value: number) =>
  Number.isInteger(value) ? number(value) : number(value, Math.abs(value) >= 1 ? 2 : 4);
