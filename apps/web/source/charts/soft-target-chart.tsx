import { markPath, type Network, networkClass } from '../components/mark.tsx';
import { number } from '../format/numbers.ts';
import { placeLabels } from './place-labels.ts';
import { linearScale, logScale, type Scale } from './scale.ts';
import { logTickTexts, tickTexts } from './tick-text.ts';

interface Target {
  index: number;
  teacher: number;
  student: number;
  control: number | null;
}

interface ChartProps {
  targets: readonly Target[];
  /** The names of all classes. */
  names: readonly string[];
  /** The index of the true class. */
  label: number;
  student: { name: string; network: Network };
  temperature: number;
  log: boolean;
  width: number;
}

const rowHeight = 30;
const top = 30;
/** What a log axis still shows. */
const least = 1e-4;

/** The height of the chart, in pixels. */
export const softTargetHeight = (count: number): number => top + count * rowHeight + 36;

/** Probabilities of each class: the teacher as a bar, the student as its mark, the control as a hollow dot, the gap as a line. */
export function SoftTargetChart({ targets, names, label, student, temperature, log, width }: ChartProps) {
  const height = softTargetHeight(targets.length);
  const bottom = height - 36;
  const withControl = targets.some(({ control }) => control !== null);
  const columns = width < 520 ? [] : withControl ? [150, 92, 34] : [92, 34];
  const longest = Math.max(...targets.map(({ index }) => names[index]?.length ?? 0));
  const left = Math.round(Math.min(longest * 6.8 + 14, width * 0.28));
  const right = width - (columns.length > 0 ? columns[0] + 44 : 12);
  const most = Math.max(...targets.flatMap((one) => [one.teacher, one.student, one.control ?? 0]));
  const x = log
    ? logScale([least, 1], [left, right])
    : linearScale([0, most], [left, right], { count: width < 520 ? 3 : 5 });
  const texts = log ? logTickTexts(x.ticks) : tickTexts(x.ticks);
  const at = (probability: number) => Number(x(Math.max(probability, log ? least : 0)).toFixed(1));
  return (
    <svg
      class="chart targets"
      width={width}
      height={height}
      role="img"
      aria-label="Soft targets; the table has the numbers"
    >
      <Heads target={targets[0]} student={student} at={at} x={x} />
      {columns.map((offset, index) => (
        <text key={offset} x={width - offset + 30} y={14} text-anchor="end">
          {['teacher', 'student', 'control'][index]}
        </text>
      ))}
      {x.ticks.map((tick, index) => (
        <g key={tick}>
          <path class={index === 0 ? 'zero' : 'g'} d={`M${at(tick)} ${top - 6}V${bottom}`} />
          <text x={at(tick)} y={bottom + 16} text-anchor="middle">
            {texts[index]}
          </text>
        </g>
      ))}
      <text x={right} y={bottom + 31} text-anchor="end">
        probability at temperature {number(temperature, 1)}
        {log ? ', log axis' : ''}
      </text>
      {targets.map((target, index) => {
        const y = top + index * rowHeight + rowHeight / 2;
        const [teacher, own] = [at(target.teacher), at(target.student)];
        return (
          <g key={target.index} class={networkClass(student.network)}>
            <text
              class={target.index === label ? 'lab strong' : 'lab2'}
              x={left - 10}
              y={y + 4}
              text-anchor="end"
            >
              {names[target.index]}
            </text>
            <rect class="bar" x={left} y={y - 9} width={Math.max(0, teacher - left)} height={18} />
            <path class="edge" d={`M${teacher} ${y - 9}V${y + 9}`} />
            <path class="gap" d={`M${teacher} ${y}H${own}`} />
            {target.control !== null && (
              <g class="ctl">
                <circle class="mk" cx={at(target.control)} cy={y} r={4.5} />
              </g>
            )}
            <path class="mk" d={markPath(student.network)} transform={`translate(${own} ${y})`} />
            {columns.map((offset, column) => (
              <text
                key={offset}
                class={column === 0 ? 'lab' : 'lab2'}
                x={width - offset + 30}
                y={y + 4}
                text-anchor="end"
              >
                {number([target.teacher, target.student, target.control][column], 3)}
              </text>
            ))}
          </g>
        );
      })}
    </svg>
  );
}

/** The names of the three networks over their values in the first row, moved apart. */
function Heads({
  target,
  student,
  at,
  x,
}: {
  target: Target | undefined;
  student: ChartProps['student'];
  at: (p: number) => number;
  x: Scale;
}) {
  if (target === undefined) return null;
  const heads = [
    { text: 'teacher', value: target.teacher },
    { text: student.name, value: target.student },
    ...(target.control === null ? [] : [{ text: 'control', value: target.control }]),
  ];
  const gap = Math.max(...heads.map(({ text }) => text.length)) * 6.4 + 12;
  const half = gap / 2;
  const places = placeLabels(
    heads.map(({ value }) => at(value)),
    { gap, top: x(x.domain[0]) + half - 20, bottom: x(x.domain[1]) - half + 30 },
  );
  return (
    <>
      {heads.map(({ text }, index) => (
        <text key={text} class="lab2" x={places[index]} y={14} text-anchor="middle">
          {text}
        </text>
      ))}
    </>
  );
}
