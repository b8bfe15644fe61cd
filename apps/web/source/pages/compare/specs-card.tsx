import { fileName, saveFile } from '../../charts/save-file.ts';
import { Mark } from '../../components/mark.tsx';
import { Menu } from '../../components/menu.tsx';
import { Segments } from '../../components/segments.tsx';
import { nothing } from '../../format/numbers.ts';
import { useQuery } from '../../router/query.ts';
import { toCsv, toMarkdown } from '../../results/export.ts';
import { specFields } from '../../results/spec-differences.ts';
import type { CompareProps } from './compare-page.tsx';

/** The fields of the specs side by side: only those that differ, or all. */
export function SpecsCard({ jobs, names }: CompareProps) {
  const [query, change] = useQuery();
  const everything = query.get('fields') === 'all';
  const fields = specFields(jobs.map(({ spec }) => spec)).filter(({ path }) => path !== 'name');
  const differing = fields.filter(({ differs }) => differs);
  const shown = everything ? fields : differing;
  const table = () => ({
    titles: ['field', ...jobs.map(({ id }) => names.get(id) ?? id)],
    rows: shown.map(({ path, values }) => [path, ...values.map((value) => value ?? null)]),
  });
  const file = fileName('compare', 'specs');
  return (
    <section class="card" aria-label="What differs in the specs">
      <header>
        <h2>What differs in the specs</h2>
        <span class="small muted">
          {differing.length} of {fields.length} fields
        </span>
        <div class="bar push controls">
          <Segments
            small
            label="Fields"
            value={everything ? 'all' : 'differences'}
            options={[
              { value: 'differences', label: 'Only differences' },
              { value: 'all', label: 'All fields' },
            ]}
            onChange={(value) => change({ fields: value === 'all' ? value : null })}
          />
          <Menu
            kind="quiet"
            small
            icon="more"
            label="More of the specs"
            align="right"
            items={[
              { label: 'Save as CSV', run: () => saveFile(toCsv(table()), `${file}.csv`, 'text/csv') },
              {
                label: 'Save as Markdown',
                run: () => saveFile(toMarkdown(table()), `${file}.md`, 'text/markdown'),
              },
            ]}
          />
        </div>
      </header>
      {shown.length === 0 ? (
        <p class="note">{jobs.length < 2 ? 'Add another job to compare with.' : 'The specs are the same.'}</p>
      ) : (
        <div class="scroll" role="region" aria-label="Fields of the specs" tabIndex={0}>
          <table class="sticky1 specs">
            <thead>
              <tr>
                <th scope="col">Field</th>
                {jobs.map(({ id, network }) => (
                  <th key={id} scope="col">
                    <span class="name">
                      <Mark network={network} />
                      <span>{names.get(id)}</span>
                    </span>
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {shown.map(({ path, values, differs }) => (
                <tr key={path}>
                  <th scope="row" class="two">
                    {path}
                  </th>
                  {values.map((value, index) => (
                    <td key={jobs[index].id} class={differs && value !== values[0] ? 'b' : undefined}>
                      {value ?? <span class="muted">{nothing}</span>}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
