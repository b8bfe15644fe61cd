import type { JobView, Report } from '@distillery/spec';
import { Icon } from '../../components/icon.tsx';
import { counted, number } from '../../format/numbers.ts';
import { ago, exactTime } from '../../format/times.ts';

/** What people should know: warnings of the stages, findings of the report, and samples that could not be read. */
export function WarningsCard({ job, report }: { job: JobView; report: Report | undefined }) {
  const { warnings, skippedData } = job;
  const given = new Set(warnings.flatMap(({ stage, message }) => [message, `${stage}: ${message}`]));
  const findings = (report?.warnings ?? []).filter((finding) => !given.has(finding));
  const count = warnings.length + skippedData.length + findings.length;
  if (count === 0) return null;
  return (
    <section class="card" aria-label="Warnings">
      <header>
        <span class="warn-icon">
          <Icon name="warning" />
        </span>
        <h2>{counted(count, 'warning')}</h2>
      </header>
      <ul class="notices">
        {findings.map((finding) => (
          <li key={finding}>
            <p>{finding}</p>
          </li>
        ))}
        {warnings.map(({ stage, message, time, count: times }) => (
          <li key={`${stage} ${message}`}>
            <p>{message}</p>
            <p class="small muted">
              <code>{stage}</code>
              {times > 1 && `, ${number(times)} times`}
              <span title={exactTime(time)}>, {ago(time)}</span>
            </p>
          </li>
        ))}
        {skippedData.map(({ stage, digest, count: missing, samples }) => (
          <li key={digest}>
            <details>
              <summary>
                {counted(missing, 'sample')} could not be read and {missing === 1 ? 'is' : 'are'} left out{' '}
                <span class="small muted">
                  found by <code>{stage}</code>
                </span>
              </summary>
              <ul class="small two">
                {samples.map(({ name, reason }) => (
                  <li key={name}>
                    <code>{name}</code>: {reason}
                  </li>
                ))}
                {missing > samples.length && <li>and {number(missing - samples.length)} more</li>}
              </ul>
            </details>
          </li>
        ))}
      </ul>
    </section>
  );
}
