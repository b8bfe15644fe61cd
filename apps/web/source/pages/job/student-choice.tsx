import { Select } from '../../components/select.tsx';
import { useQuery } from '../../router/query.ts';
import type { ResultRow } from '../../results/rows.ts';

/** Chooses the student that a chart is about; it is also pinned on the page. */
export function StudentChoice({ rows, student }: { rows: readonly ResultRow[]; student: ResultRow }) {
  const [, change] = useQuery();
  const students = rows.filter(({ network }) => network.role === 'student');
  return (
    <Select
      small
      label="Student"
      network={student.network}
      value={student.name}
      options={students.map(({ name }) => ({ value: name, label: name }))}
      onChange={(name) => change({ student: name })}
    />
  );
}
