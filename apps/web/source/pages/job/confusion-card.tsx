import { useMemo, useState } from 'preact/hooks';
import { ChartCard } from '../../charts/chart-card.tsx';
import { Drawn } from '../../charts/drawn.tsx';
import { Segments } from '../../components/segments.tsx';
import { number, signed } from '../../format/numbers.ts';
import { useQuery } from '../../router/query.ts';
import type { AnalysisProps } from './analyses.tsx';
import { confusionOf, rowShares } from './analysis.ts';
import { StudentChoice } from './student-choice.tsx';

/** Above this number of classes only the most frequent confusions are listed: cells would be a pixel wide. */
const mostClasses = 32;

/** Which classes a student takes for which, in steps of ink; or the difference to its control in two colours. */
export function ConfusionCard({ job, rows, analysis, student }: AnalysisProps) {
  const [query, change] = useQuery();
  const { control } = student;
  const against = query.get('confusion') === 'control' && control !== null;
  const counts = useMemo(() => confusionOf(analysis.networks, student.name), [analysis, student.name]);
  const others = useMemo(
    () => (control === null ? null : confusionOf(analysis.networks, control)),
    [analysis, control],
  );
  if (counts === null) return null;
  const { classes } = analysis;
  const values =
    against && others !== null ? counts.map((row, i) => row.map((count, j) => count - others[i][j])) : counts;
  const perClass = counts[0]?.reduce((sum, count) => sum + count, 0) ?? 0;
  const seeds = student.seeds.length;
  return (
    <ChartCard
      id="confusion"
      title="Confusion matrix"
      hint={
        seeds > 1
          ? `${seeds} seeds together, about ${number(perClass)} a class`
          : `about ${number(perClass)} a class`
      }
      file={job.name ?? job.id}
      table={() => ({
        titles: ['class \\ predicted', ...classes],
        rows: values.map((row, index) => [classes[index], ...row]),
      })}
      controls={
        <>
          <StudentChoice rows={rows} student={student} />
          {control !== null && (
            <Segments
              small
              label="Cells"
              value={against ? 'control' : 'counts'}
              options={[
                { value: 'counts', label: 'Counts' },
                { value: 'control', label: '− control' },
              ]}
              onChange={(value) => change({ confusion: value === 'control' ? value : null })}
            />
          )}
        </>
      }
    >
      {classes.length <= mostClasses ? (
        <Drawn height={320}>
          {(width) => (
            <Matrix classes={classes} counts={counts} values={values} against={against} width={width} />
          )}
        </Drawn>
      ) : (
        <Worst classes={classes} values={counts} />
      )}
    </ChartCard>
  );
}

interface MatrixProps {
  classes: readonly string[];
  counts: readonly (readonly number[])[];
  values: readonly (readonly number[])[];
  against: boolean;
  width: number;
}

function Matrix({ classes, counts, values, against, width }: MatrixProps) {
  const [hovered, setHovered] = useState<[number, number]>();
  const shares = rowShares(counts);
  const longest = Math.max(...classes.map(({ length }) => length));
  const left = Math.min(longest * 6.2 + 10, width * 0.24);
  const right = width - 44;
  const cell = (right - left) / classes.length;
  const rowHeight = Math.max(14, Math.min(30, 290 / classes.length));
  const top = 24;
  const height = top + classes.length * rowHeight + 26;
  const off = values.flatMap((row, i) => row.filter((_, j) => against || i !== j).map(Math.abs));
  const most = Math.max(1, ...off);
  const shown = (name: string, room: number) => {
    const letters = Math.max(1, Math.floor(room / 6.2));
    return name.length <= letters ? name : `${name.slice(0, Math.max(1, letters - 1))}.`;
  };
  const [atRow, atColumn] = hovered ?? [];
  return (
    <>
      <svg
        class="chart matrix"
        width={width}
        height={height}
        role="img"
        aria-label={`Confusion matrix of ${classes.length} classes; the table has its numbers`}
        onPointerLeave={() => setHovered(undefined)}
      >
        {classes.map((name, j) => (
          <text
            key={name}
            class={j === atColumn ? 'lab' : undefined}
            x={left + (j + 0.5) * cell}
            y={14}
            text-anchor="middle"
          >
            {shown(name, cell)}
          </text>
        ))}
        <text x={width} y={14} text-anchor="end">
          %
        </text>
        {values.map((row, i) => (
          <g key={classes[i]}>
            <text
              class={i === atRow ? 'lab' : undefined}
              x={left - 8}
              y={top + (i + 0.5) * rowHeight + 4}
              text-anchor="end"
            >
              {shown(classes[i], left - 8)}
            </text>
            {row.map((value, j) => {
              const share = Math.min(1, Math.abs(value) / most);
              const diagonal = i === j && !against;
              const kind = against
                ? value === 0
                  ? 'even'
                  : value > 0 === (i === j)
                    ? 'better'
                    : 'worse'
                : diagonal
                  ? 'dg'
                  : 'ink';
              // Eleven steps, because a class may hold a colour where the policy of the page allows no inline style.
              const step = diagonal ? '' : ` p${Math.round(share * 10)}`;
              return (
                <g key={classes[j]} onPointerEnter={() => setHovered([i, j])}>
                  <rect
                    class={`${kind}${step}`}
                    x={left + j * cell + 1}
                    y={top + i * rowHeight + 1}
                    width={Math.max(1, cell - 2)}
                    height={rowHeight - 2}
                    rx={2}
                  />
                  {(diagonal || share > 0.18) && cell > 22 && rowHeight >= 14 && (
                    <text
                      class={diagonal || share <= 0.5 ? 'on-paper' : 'on-ink'}
                      x={left + (j + 0.5) * cell}
                      y={top + (i + 0.5) * rowHeight + 4}
                      text-anchor="middle"
                    >
                      {against ? signed(value, 0) : number(value)}
                    </text>
                  )}
                </g>
              );
            })}
            <text x={width} y={top + (i + 0.5) * rowHeight + 4} text-anchor="end">
              {number((shares[i]?.[i] ?? 0) * 100, 1)}
            </text>
          </g>
        ))}
        <text x={left} y={height - 8}>
          predicted class
        </text>
      </svg>
      <p class="small muted matrix-words" aria-hidden="true">
        {hovered === undefined
          ? ' '
          : `${classes[hovered[0]]} taken for ${classes[hovered[1]]}: ${against ? signed(values[hovered[0]][hovered[1]], 0) : number(values[hovered[0]][hovered[1]])}, ${number(shares[hovered[0]][hovered[1]] * 100, 1)} % of the class`}
      </p>
    </>
  );
}

/** The most frequent confusions, for data with very many classes. */
function Worst({ classes, values }: { classes: readonly string[]; values: readonly (readonly number[])[] }) {
  const pairs = values
    .flatMap((row, i) => row.map((count, j) => ({ i, j, count })))
    .filter(({ i, j, count }) => i !== j && count > 0)
    .sort((a, b) => b.count - a.count)
    .slice(0, 20);
  return (
    <ol class="worst">
      {pairs.map(({ i, j, count }) => (
        <li key={`${i} ${j}`}>
          {classes[i]} taken for {classes[j]} <span class="muted">{number(count)} times</span>
        </li>
      ))}
    </ol>
  );
}
