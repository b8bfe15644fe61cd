import type { ResultRow } from './rows.ts';

/** Students under the control that they are compared with. */
export interface Group {
  key: string;
  /** The name of the architecture, which a control shares with its students. */
  title: string;
  control: ResultRow | undefined;
  students: ResultRow[];
}

/** Groups the students of a report by control; those without one stand in a group for each architecture. */
export function groupsOf(rows: readonly ResultRow[]): Group[] {
  const groups = new Map<string, Group>();
  for (const row of rows) {
    if (row.network.role !== 'student') continue;
    const key = row.control ?? `alone ${row.architecture}`;
    const found = groups.get(key);
    if (found !== undefined) {
      found.students.push(row);
      continue;
    }
    const control = rows.find(({ name }) => name === row.control);
    groups.set(key, { key, title: row.architecture, control, students: [row] });
  }
  return [...groups.values()];
}

/** What the networks of a group share, which then stands once over them. Latency is measured anew for each and is about the same. */
export type SharedFact = 'parameters' | 'weightBytes' | 'flops';

export function isShared({ control, students }: Group, fact: SharedFact): boolean {
  const all = control === undefined ? students : [control, ...students];
  return all.every((row) => row[fact] === all[0][fact]);
}
