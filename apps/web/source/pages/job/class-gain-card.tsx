import { spreadOf } from '@distillery/spec/spread';
import { ChartCard } from '../../charts/chart-card.tsx';
import { DotPlot, dotPlotHeight } from '../../charts/dot-plot.tsx';
import { Drawn } from '../../charts/drawn.tsx';
import { signed } from '../../format/numbers.ts';
import type { AnalysisProps } from './analyses.tsx';
import { gainsByClass } from './analysis.ts';
import { StudentChoice } from './student-choice.tsx';

/** The most classes that are drawn: those with the largest and the smallest gains. */
const mostClasses = 24;

/** What a student gained over its control in each class, sorted. */
export function ClassGainCard({
  job,
  rows,
  analysis,
  student,
  control,
}: AnalysisProps & { control: string }) {
  const all = gainsByClass(analysis.networks, student.name, control)
    .map((gains, index) => ({ name: analysis.classes[index], gains }))
    .filter(({ gains }) => gains.length > 0)
    .map(({ name, gains }) => ({ name, ...spreadOf(gains.map((gain) => gain * 100)) }))
    .sort((a, b) => b.mean - a.mean);
  const half = mostClasses / 2;
  const shown = all.length <= mostClasses ? all : [...all.slice(0, half), ...all.slice(-half)];
  const plotted = shown.map(({ name, mean, sd }) => ({
    key: name,
    label: name,
    dots: [{ name: student.name, network: student.network, mean, sd }],
    value: signed(mean, 1),
  }));
  const seeds = student.gains.length;
  return (
    <ChartCard
      id="class-gain"
      title="Gain by class"
      hint={
        all.length > shown.length
          ? `the ${half} largest and the ${half} smallest of ${all.length}`
          : undefined
      }
      file={job.name ?? job.id}
      table={() => ({
        titles: ['class', `points over ${control}`, 'sd'],
        rows: all.map(({ name, mean, sd }) => [name, mean, sd]),
      })}
      controls={<StudentChoice rows={rows} student={student} />}
    >
      <Drawn height={dotPlotHeight(plotted)}>
        {(width) => (
          <DotPlot
            label={`Gain of ${student.name} over ${control} by class`}
            title={`points over ${control}${seeds > 1 ? `, mean ± sd of ${seeds} seeds` : ''}`}
            rows={plotted}
            width={width}
          />
        )}
      </Drawn>
    </ChartCard>
  );
}
