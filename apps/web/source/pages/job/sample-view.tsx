import type { JobView } from '@distillery/spec';
import { Mark, type Network } from '../../components/mark.tsx';
import { Segments } from '../../components/segments.tsx';
import { ChartCard } from '../../charts/chart-card.tsx';
import { Drawn } from '../../charts/drawn.tsx';
import { SoftTargetChart, softTargetHeight } from '../../charts/soft-target-chart.tsx';
import { number } from '../../format/numbers.ts';
import { useQuery } from '../../router/query.ts';
import { divergenceAt, type Sample, type Samples, softTargets, verdictOf } from './samples.ts';

interface ViewProps {
  job: JobView;
  data: Samples;
  sample: Sample;
  temperature: number;
  student: string;
  network: Network;
  control: string | undefined;
}

/** One test sample: what it is, what each network answers, and the soft targets behind the answers. */
export function SampleView({ job, data, sample, temperature, student, network, control }: ViewProps) {
  const [query, change] = useQuery();
  const { classes, kind } = data;
  const log = query.get('axis') === 'log';
  const targets = softTargets(sample, temperature);
  const left = classes.length - targets.length;
  const noun = kind === 'image' ? 'Image' : kind === 'text' ? 'Text' : 'Sample';
  const kl = (logits: readonly number[]) => number(divergenceAt(sample.teacher, logits, temperature), 3);
  const networks: { name: string; network: Network; logits: readonly number[] }[] = [
    { name: 'teacher', network: { role: 'teacher' }, logits: sample.teacher },
    { name: student, network, logits: sample.student },
    ...(sample.control === null
      ? []
      : [{ name: control ?? 'control', network: { role: 'control' } as const, logits: sample.control }]),
  ];
  return (
    <div class="stack">
      <section class="card body sample-card" aria-label={`${noun} ${sample.index}`}>
        {kind === 'image' && (
          <img
            class="sample-image"
            src={`/v1/jobs/${encodeURIComponent(job.id)}/samples/${sample.index}/image`}
            alt={`Test image ${sample.index}, ${classes[sample.label]}`}
            width={160}
            height={160}
          />
        )}
        <div class="sample-facts">
          <h2>
            {noun} {sample.index}: {classes[sample.label]}
          </h2>
          {sample.text !== null && <blockquote>{sample.text}</blockquote>}
          <table>
            <thead class="skip">
              <tr>
                <th scope="col">Network</th>
                <th scope="col">Answer</th>
                <th scope="col">Right or wrong</th>
                <th scope="col">Confidence</th>
              </tr>
            </thead>
            <tbody>
              {networks.map(({ name, network: own, logits }) => {
                const { choice, right, confidence } = verdictOf(logits, sample.label);
                return (
                  <tr key={name}>
                    <th scope="row">
                      <span class="name">
                        <Mark network={own} />
                        <span>{name}</span>
                      </span>
                    </th>
                    <td>{classes[choice]}</td>
                    <td class={right ? 'two' : 'wrong'}>{right ? 'right' : 'wrong'}</td>
                    <td class="num">{number(confidence, 3)}</td>
                  </tr>
                );
              })}
            </tbody>
          </table>
          <p class="small muted">
            Confidence at temperature 1. KL from the teacher at temperature {number(temperature, 1)}, nats:{' '}
            {student} {kl(sample.student)}
            {sample.control === null ? '' : `, ${control ?? 'control'} ${kl(sample.control)}`}.
          </p>
        </div>
      </section>
      <ChartCard
        id="soft-targets"
        title="Soft targets"
        hint={`sorted by the teacher’s probability${left > 0 ? `, the first ${targets.length} of ${classes.length}` : ''}`}
        file={`${job.name ?? job.id}-${sample.index}`}
        table={() => ({
          titles: ['class', 'teacher', student, ...(sample.control === null ? [] : [control ?? 'control'])],
          rows: targets.map((one) => [
            classes[one.index],
            one.teacher,
            one.student,
            ...(one.control === null ? [] : [one.control]),
          ]),
        })}
        controls={
          <Segments
            small
            label="Axis"
            value={log ? 'log' : 'linear'}
            options={[
              { value: 'linear', label: 'Linear' },
              { value: 'log', label: 'Log' },
            ]}
            onChange={(value) => change({ axis: value === 'log' ? value : null })}
          />
        }
      >
        <Drawn height={softTargetHeight(targets.length)}>
          {(width) => (
            <SoftTargetChart
              targets={targets}
              names={classes}
              label={sample.label}
              student={{ name: student, network }}
              temperature={temperature}
              log={log}
              width={width}
            />
          )}
        </Drawn>
      </ChartCard>
    </div>
  );
}
