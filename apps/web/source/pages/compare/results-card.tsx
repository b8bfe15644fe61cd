import type { ComponentChildren } from 'preact';
import { useHighlight } from '../../charts/highlight.tsx';
import { fileName, saveFile } from '../../charts/save-file.ts';
import { Mark } from '../../components/mark.tsx';
import { Menu } from '../../components/menu.tsx';
import { Segments } from '../../components/segments.tsx';
import { Select } from '../../components/select.tsx';
import { nothing, number, points } from '../../format/numbers.ts';
import { useQuery } from '../../router/query.ts';
import { measures, measureTitle, meanOf, sdOf } from '../../results/columns.ts';
import { type PlainTable, toCsv, toMarkdown } from '../../results/export.ts';
import type { Chosen, ResultRow } from '../../results/rows.ts';
import { meanText } from '../../results/tables.ts';
import type { CompareProps } from './compare-page.tsx';
import { type ComparedRow, comparedRows, differenceTo } from './compared.ts';

/** The accuracy of every network in every job; or, transposed, all measures of one network with the jobs as rows. */
export function ResultsCard({ jobs, names, hiddenCount }: CompareProps & { hiddenCount: number }) {
  const [query, change] = useQuery();
  const chosen: Chosen = query.get('epoch') === 'last' ? 'last' : 'best';
  const rows = comparedRows(
    jobs.map(({ report }) => report),
    chosen,
  );
  const byMeasure = query.get('by') === 'measures';
  const asked = query.get('student');
  const students = rows.filter(({ rows: own }) => own.some((row) => row?.network.role !== 'teacher'));
  const student =
    students.find(({ name }) => name === asked) ??
    students.find(({ rows: own }) => own.some((row) => row?.network.role === 'student'));
  if (rows.length === 0) return null;
  const titles = jobs.map(({ id }) => names.get(id) ?? id);
  const table = (): PlainTable =>
    byMeasure && student !== undefined
      ? {
          titles: ['job', ...measures.map(({ name }) => name)],
          rows: student.rows.map((row, index) => [
            titles[index],
            ...measures.map((measure) => (row === undefined ? null : meanOf(measure.value(row)))),
          ]),
        }
      : {
          titles: ['network', ...titles.flatMap((title) => [title, `${title} sd`])],
          rows: rows.map(({ name, rows: own }) => [
            name,
            ...own.flatMap((row) => [row?.accuracy.mean ?? null, row?.accuracy.sd ?? null]),
          ]),
        };
  const file = fileName('compare', byMeasure ? (student?.name ?? '') : 'accuracy');
  return (
    <section class="card">
      <header>
        <h2>{byMeasure ? `All measures of ${student?.name ?? ''}` : 'Test accuracy, %'}</h2>
        <span class="small muted">
          {byMeasure ? 'one row for each job' : 'with the difference to the baseline job, points'}
        </span>
        <div class="bar push controls">
          {byMeasure && student !== undefined && (
            <Select
              small
              label="Student"
              value={student.name}
              options={students.map(({ name }) => ({ value: name, label: name }))}
              onChange={(name) => change({ student: name })}
            />
          )}
          <Segments
            small
            label="Columns"
            value={byMeasure ? 'measures' : 'jobs'}
            options={[
              { value: 'measures', label: 'Columns: measures' },
              { value: 'jobs', label: 'Columns: jobs' },
            ]}
            onChange={(value) => change({ by: value === 'measures' ? value : null })}
          />
          <Menu
            small
            align="right"
            items={[
              { label: 'Save as CSV', run: () => saveFile(toCsv(table()), `${file}.csv`, 'text/csv') },
              {
                label: 'Save as Markdown',
                run: () => saveFile(toMarkdown(table()), `${file}.md`, 'text/markdown'),
              },
            ]}
          >
            Export
          </Menu>
        </div>
      </header>
      <div class="scroll" role="region" aria-label="Results" tabIndex={0}>
        {byMeasure && student !== undefined ? (
          <ByMeasure row={student} jobs={jobs} names={names} />
        ) : (
          <ByJob rows={rows} jobs={jobs} names={names} student={asked} />
        )}
      </div>
      <p class="note">
        {!byMeasure &&
          '“Same run”: both jobs share the run, so there is nothing to compare. Bold: a difference above both standard deviations. '}
        {hiddenCount > 0 && (hiddenCount === 1 ? 'One job is hidden.' : `${hiddenCount} jobs are hidden.`)}
      </p>
    </section>
  );
}

function JobTitle({
  job,
  names,
  span,
}: {
  job: CompareProps['jobs'][number];
  names: CompareProps['names'];
  span?: number;
}) {
  return (
    <th scope="col" class="num" colSpan={span}>
      <span class="name">
        <Mark network={job.network} />
        <span>{names.get(job.id)}</span>
      </span>
    </th>
  );
}

function ByJob({
  rows,
  jobs,
  names,
  student,
}: CompareProps & { rows: readonly ComparedRow[]; student: string | null }) {
  return (
    <table class="sticky1">
      <thead>
        <tr>
          <th scope="col">Student</th>
          {jobs.map((job, index) => (
            <JobTitle key={job.id} job={job} names={names} span={index === 0 ? 1 : 2} />
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map(({ name, rows: own }) => {
          const role = own.find((row) => row !== undefined)?.network.role;
          return (
            <tr
              key={name}
              class={
                [role === 'control' && 'control', name === student && 'on'].filter(Boolean).join(' ') ||
                undefined
              }
            >
              <th scope="row">
                <span class="name">
                  {role === 'student' ? (
                    <span class="mark" />
                  ) : (
                    <Mark network={{ role: role ?? 'control' }} />
                  )}
                  <span>{name}</span>
                </span>
              </th>
              {own.map((row, index) => (
                <JobCells
                  key={jobs[index].id}
                  row={row}
                  base={index === 0 ? undefined : own[0]}
                  first={index === 0}
                />
              ))}
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function JobCells({
  row,
  base,
  first,
}: {
  row: ResultRow | undefined;
  base: ResultRow | undefined;
  first: boolean;
}) {
  const difference = differenceTo(base, row);
  const same = !first && difference.kind === 'same';
  return (
    <>
      <td class="num">
        {row === undefined ? (
          <span class="muted">{nothing}</span>
        ) : same ? (
          <span class="muted">same run</span>
        ) : (
          <Accuracy row={row} />
        )}
      </td>
      {!first && (
        <td class={difference.kind === 'difference' && difference.clear ? 'num b' : 'num'}>
          {difference.kind === 'difference' ? points(difference.value) : <span class="muted">{nothing}</span>}
        </td>
      )}
    </>
  );
}

const Accuracy = ({ row: { accuracy } }: { row: ResultRow }): ComponentChildren => (
  <>
    {number(accuracy.mean * 100, 2)}
    {accuracy.sd !== null && <span class="pm"> ± {number(accuracy.sd * 100, 2)}</span>}
  </>
);

function ByMeasure({ row, jobs, names }: CompareProps & { row: ComparedRow }) {
  const highlight = useHighlight();
  const shown = measures.filter(({ value }) =>
    row.rows.some((one) => one !== undefined && value(one) !== null),
  );
  return (
    <table class="sticky1">
      <thead>
        <tr>
          <th scope="col">Job</th>
          {shown.map((measure) => (
            <th key={measure.name} scope="col" class="num">
              {measureTitle(measure)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {jobs.map(({ id, network }, index) => {
          const own = row.rows[index];
          return (
            <tr key={id} class={highlight.active() === id ? 'on' : undefined}>
              <th scope="row">
                <span class="name">
                  <Mark network={network} />
                  <span>{names.get(id)}</span>
                </span>
              </th>
              {shown.map((measure) => {
                const sd = own === undefined ? null : sdOf(measure.value(own));
                return (
                  <td key={measure.name} class="num">
                    {own === undefined ? nothing : meanText(measure, own)}
                    {sd !== null && (
                      <span class="pm"> ± {number(sd * measure.factor, measure.decimals)}</span>
                    )}
                  </td>
                );
              })}
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
