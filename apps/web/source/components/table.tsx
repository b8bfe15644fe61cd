import type { ComponentChildren } from 'preact';
import { useRef } from 'preact/hooks';
import { Icon } from './icon.tsx';
import { type Sort, type Sortable, sorted } from './sort.ts';
import { useRowWindow } from './virtual-rows.ts';

export interface Column<R> extends Sortable<R> {
  title: ComponentChildren;
  /** The name of the column for readers of the screen, where the title is no text. */
  label?: string;
  cell: (row: R) => ComponentChildren;
  /** Right-aligned. */
  number?: boolean;
  class?: string;
  /** How many columns the title covers, for a drawn column beside its numbers; the next ones then have no title. */
  span?: number;
  /** The cell names its row. */
  names?: boolean;
}

interface TableProps<R> {
  label: string;
  columns: readonly Column<R>[];
  rows: readonly R[];
  rowKey: (row: R) => string;
  sort?: Sort;
  /** Makes the titles of sortable columns buttons. */
  onSort?: (sort: Sort) => void;
  rowClass?: (row: R) => string | undefined;
  rowProps?: (row: R) => Record<string, unknown>;
  /** Splits the rows: a new title begins a group. Groups keep the order of their first row, and rows sort within them. */
  group?: (row: R) => { key: string; title: ComponentChildren };
  /** The first column stays when the others scroll sideways. */
  sticky?: boolean;
  /** The height of all rows in pixels, when there are more than 200. */
  rowHeight?: number;
}

/** A table that sorts, groups, and draws only the rows in sight when they are many. */
export function Table<R>(props: TableProps<R>) {
  const { label, columns, rows, rowKey, sort, onSort, group, sticky, rowHeight = 51 } = props;
  const body = useRef<HTMLTableSectionElement>(null);
  const groups = grouped(rows, group);
  const ordered = groups.flatMap(({ rows: own, ...head }) => {
    const inOrder = sort === undefined ? own : sorted(own, columns, sort);
    return head.title === undefined
      ? inOrder.map((row) => ({ row }))
      : [head, ...inOrder.map((row) => ({ row }))];
  });
  const { first, end } = useRowWindow(ordered.length, rowHeight, body);
  const virtual = end - first < ordered.length;
  return (
    // A region that scrolls sideways must be reachable by keyboard.
    <div class="scroll" role="region" aria-label={label} tabIndex={0}>
      <table
        class={[sticky && 'sticky1', virtual && 'even'].filter(Boolean).join(' ')}
        aria-rowcount={ordered.length}
      >
        <thead>
          <tr>
            {titled(columns).map((column) => (
              <Title key={column.name} column={column} sort={sort} onSort={onSort} />
            ))}
          </tr>
        </thead>
        <tbody ref={body}>
          {first > 0 && <Spacer height={first * rowHeight} span={columns.length} />}
          {ordered.slice(first, end).map((entry) =>
            'row' in entry ? (
              <Row key={rowKey(entry.row)} row={entry.row} {...props} />
            ) : (
              <tr key={`group ${entry.key}`} class="group">
                <td colSpan={columns.length}>{entry.title}</td>
              </tr>
            ),
          )}
          {end < ordered.length && (
            <Spacer height={(ordered.length - end) * rowHeight} span={columns.length} />
          )}
        </tbody>
      </table>
    </div>
  );
}

function Row<R>({ row, columns, rowClass, rowProps }: TableProps<R> & { row: R }) {
  return (
    <tr class={rowClass?.(row)} {...rowProps?.(row)}>
      {columns.map(({ name, cell, number, class: more, names }) => {
        const classes = [number && 'num', more].filter(Boolean).join(' ') || undefined;
        return names ? (
          <th key={name} scope="row" class={classes}>
            {cell(row)}
          </th>
        ) : (
          <td key={name} class={classes}>
            {cell(row)}
          </td>
        );
      })}
    </tr>
  );
}

interface TitleProps<R> {
  column: Column<R>;
  sort?: Sort | undefined;
  onSort?: ((sort: Sort) => void) | undefined;
}

function Title<R>({ column, sort, onSort }: TitleProps<R>) {
  const { name, title, label, number, class: more, span } = column;
  const on = sort?.by === name;
  const classes = [number && 'num', more].filter(Boolean).join(' ') || undefined;
  // Numbers begin with the largest, names with the first.
  const next = { by: name, descending: on ? !sort.descending : number === true };
  return (
    <th
      scope="col"
      class={classes}
      colSpan={span}
      aria-sort={on ? (sort.descending ? 'descending' : 'ascending') : undefined}
    >
      {column.sort && onSort ? (
        <button type="button" class="sort" onClick={() => onSort(next)}>
          {title}
          {on && <Icon name={sort.descending ? 'down' : 'up'} />}
        </button>
      ) : (
        title
      )}
      {label && <span class="skip">{label}</span>}
    </th>
  );
}

function Spacer({ height, span }: { height: number; span: number }) {
  return (
    <tr class="spacer" aria-hidden="true">
      <td colSpan={span} style={{ height: `${height}px` }} />
    </tr>
  );
}

/** The columns with a title of their own. */
function titled<R>(columns: readonly Column<R>[]): Column<R>[] {
  let covered = 0;
  return columns.filter(({ span = 1 }) => {
    if (covered > 0) {
      covered--;
      return false;
    }
    covered = span - 1;
    return true;
  });
}

interface Group<R> {
  key: string;
  title: ComponentChildren;
  rows: R[];
}

function grouped<R>(rows: readonly R[], group: TableProps<R>['group']): Group<R>[] {
  if (group === undefined) return [{ key: '', title: undefined, rows: [...rows] }];
  const groups = new Map<string, Group<R>>();
  for (const row of rows) {
    const { key, title } = group(row);
    const found = groups.get(key);
    if (found) found.rows.push(row);
    else groups.set(key, { key, title, rows: [row] });
  }
  return [...groups.values()];
}
