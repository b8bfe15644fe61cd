import type { JobView, Report } from '@distillery/spec';
import type { ComponentChildren } from 'preact';
import { useHighlight, useRunRow } from '../../charts/highlight.tsx';
import { fileName, saveFile } from '../../charts/save-file.ts';
import { GainAxis, gainScale, GainStrip } from '../../components/gain.tsx';
import { Icon } from '../../components/icon.tsx';
import { Mark } from '../../components/mark.tsx';
import { Menu } from '../../components/menu.tsx';
import { EpochChoice } from '../../components/epoch-choice.tsx';
import { type Sort, sorted, sortOf, sortText } from '../../components/sort.ts';
import { toast } from '../../components/toast.tsx';
import { bytes, number } from '../../format/numbers.ts';
import { useQuery } from '../../router/query.ts';
import { type Measure, meanOf, measures, measureTitle, sdOf, shownMeasures } from '../../results/columns.ts';
import { toCsv, toMarkdown } from '../../results/export.ts';
import { type Group, groupsOf, isShared } from '../../results/groups.ts';
import type { Chosen, ResultRow } from '../../results/rows.ts';
import { exactTable, meanText, readableTable } from '../../results/tables.ts';
import { useHidden } from './hidden-runs.ts';

interface TableProps {
  job: JobView;
  report: Report;
  rows: readonly ResultRow[];
  chosen: Chosen;
  best: ResultRow | undefined;
}

/** The students under their controls. What a group shares stands once in its row; the columns hold what differs. */
export function ResultsTable({ job, report, rows, chosen, best }: TableProps) {
  const [query, change] = useQuery();
  const highlight = useHighlight();
  const rowOf = useRunRow();
  const hidden = useHidden();
  const asked = query.get('columns');
  const shown = shownMeasures(rows, asked === null ? null : asked.split(','));
  const sort = sortOf(query.get('sort'), { by: 'gain', descending: true });
  const scale = gainScale(rows.flatMap(({ gain }) => (gain === null ? [] : [gain])));
  const drawn = scale !== null && shown.some(({ name }) => name === 'gain');
  const teachers = rows.filter(({ network }) => network.role === 'teacher');
  const span = 2 + shown.length + (drawn ? 1 : 0);
  const seeds = Math.max(0, ...rows.map((row) => row.seeds.length));
  const file = fileName(job.name ?? job.id, 'results');

  const setColumns = (name: string) => {
    const now = shown.map((one) => one.name);
    const next = now.includes(name) ? now.filter((one) => one !== name) : [...now, name];
    change({
      columns:
        next.length === 0
          ? null
          : measures
              .filter((one) => next.includes(one.name))
              .map((one) => one.name)
              .join(','),
    });
  };
  const row = (one: ResultRow) => (
    <tr
      key={one.name}
      class={
        [
          one.network.role === 'control' && 'control',
          one === best && 'best',
          highlight.active() === one.name && 'on',
          highlight.isDimmed(one.name) && 'dimmed',
        ]
          .filter(Boolean)
          .join(' ') || undefined
      }
      {...rowOf(one.name)}
    >
      <th scope="row">
        <button
          type="button"
          class="name plain-button"
          aria-pressed={highlight.pinned() === one.name}
          onClick={() => highlight.pin(one.name)}
          onFocus={() => highlight.hover(one.name)}
          onBlur={() => highlight.hover(null)}
        >
          <Mark network={one.network} />
          <span>{one.name}</span>
        </button>
      </th>
      <td class="terms">{one.terms}</td>
      {shown.map((measure) => (
        <Cells
          key={measure.name}
          measure={measure}
          row={one}
          strip={
            drawn && measure.name === 'gain' ? (
              scale === null || one.network.role === 'teacher' ? (
                <span />
              ) : (
                <GainStrip gain={one.gain} scale={scale} network={one.network} />
              )
            ) : undefined
          }
        />
      ))}
    </tr>
  );

  return (
    <section class="card">
      <header>
        <h2>Students and their controls</h2>
        <span class="small muted">
          {chosen === 'best' && report.dataset.validation > 0 ? 'best epoch by validation' : 'last epoch'}
          {seeds > 1 ? `, mean ± sd of ${seeds} seeds` : ''}
        </span>
        <span class="push" />
        <EpochChoice chosen={chosen} change={change} />
        <Menu
          small
          align="right"
          items={measures.map(({ name, title }) => ({
            label: title,
            checked: shown.some((one) => one.name === name),
            stay: true,
            run: () => setColumns(name),
          }))}
        >
          Columns
        </Menu>
        <Menu
          small
          align="right"
          items={[
            { label: 'Save as CSV', run: () => saveFile(toCsv(exactTable(rows)), `${file}.csv`, 'text/csv') },
            {
              label: 'Save as Markdown',
              run: () => saveFile(toMarkdown(readableTable(rows, shown)), `${file}.md`, 'text/markdown'),
            },
            {
              label: 'Copy as Markdown',
              run: () =>
                void navigator.clipboard
                  ?.writeText(toMarkdown(readableTable(rows, shown)))
                  .then(() => toast('The table is copied')),
            },
          ]}
        >
          Export
        </Menu>
      </header>
      <div class="scroll" role="region" aria-label="Students and their controls" tabIndex={0}>
        <table class="results sticky1">
          <thead>
            <tr>
              <th scope="col">Student</th>
              <th scope="col" class="terms">
                Terms
              </th>
              {shown.map((measure) => (
                <Title
                  key={measure.name}
                  measure={measure}
                  sort={sort}
                  onSort={(next) => change({ sort: sortText(next) === '-gain' ? null : sortText(next) })}
                  axis={
                    scale !== null && drawn && measure.name === 'gain' ? (
                      <GainAxis scale={scale} />
                    ) : undefined
                  }
                />
              ))}
            </tr>
          </thead>
          <tbody>
            {teachers.map(row)}
            {groupsOf(rows).map((group) => (
              <>
                <tr key={`group ${group.key}`} class="group">
                  <td colSpan={span}>
                    <b>{group.title}</b> <span>{sharedWords(group)}</span>
                  </td>
                </tr>
                {group.control && !hidden.includes(group.control.name) && row(group.control)}
                {sorted(group.students, measures.map(sortable), sort)
                  .filter(({ name }) => !hidden.includes(name))
                  .map(row)}
              </>
            ))}
          </tbody>
        </table>
      </div>
      <p class="note">
        {drawn &&
          'Over control: the same network, seed and first weights, trained without the teacher. Whiskers that cross zero may be chance. '}
        {asked === null && 'Only columns that differ are shown. '}
        {hidden.length > 0 && `${hidden.length === 1 ? 'One run is' : `${hidden.length} runs are`} hidden. `}
        {hidden.length > 0 && (
          <button type="button" class="plain-button link" onClick={() => change({ hide: null })}>
            Show all
          </button>
        )}
      </p>
    </section>
  );
}

const sortable = (measure: Measure) => ({
  name: measure.name,
  sort: (row: ResultRow) => meanOf(measure.value(row)),
});

/** What all networks of a group have in common. */
function sharedWords(group: Group): string {
  const [first] = group.control === undefined ? group.students : [group.control];
  const latencies = [...group.students, ...(group.control ? [group.control] : [])].map(
    ({ latencyMs }) => latencyMs,
  );
  return [
    ...(isShared(group, 'parameters') ? [`${number(first.parameters)} parameters`] : []),
    ...(isShared(group, 'weightBytes') ? [bytes(first.weightBytes)] : []),
    ...(isShared(group, 'flops') ? [`${number(first.flops / 1e6, 1)} MFLOPs`] : []),
    `about ${number(Math.min(...latencies), 2)} ms`,
  ].join(' · ');
}

interface TitleProps {
  measure: Measure;
  sort: Sort;
  onSort: (sort: Sort) => void;
  axis?: ComponentChildren;
}

function Title({ measure, sort, onSort, axis }: TitleProps) {
  const on = sort.by === measure.name;
  const title = (
    <th scope="col" class="num" aria-sort={on ? (sort.descending ? 'descending' : 'ascending') : undefined}>
      <button
        type="button"
        class="sort"
        onClick={() => onSort({ by: measure.name, descending: on ? !sort.descending : true })}
      >
        {measureTitle(measure)}
        {on && <Icon name={sort.descending ? 'down' : 'up'} />}
      </button>
    </th>
  );
  if (axis === undefined) return title;
  return (
    <>
      <th scope="col" class="strip">
        <span class="skip">Over control, drawn</span>
        {axis}
      </th>
      {title}
    </>
  );
}

/** The value of a row, with the drawn column before it where there is one. */
function Cells({ measure, row, strip }: { measure: Measure; row: ResultRow; strip?: ComponentChildren }) {
  const sd = sdOf(measure.value(row));
  return (
    <>
      {strip && <td class="strip">{strip}</td>}
      <td class="num">
        {meanText(measure, row)}
        {sd !== null && <span class="pm"> ± {number(sd * measure.factor, measure.decimals)}</span>}
        {sd === null && row.seeds.length === 1 && measure.name === 'gain' && row.gain !== null && (
          <span class="pm"> 1 seed</span>
        )}
      </td>
    </>
  );
}
