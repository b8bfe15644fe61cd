import { isTerminal } from '@distillery/spec/states';
import { answerOf } from '../../results/answer.ts';
import { rowsOf } from '../../results/rows.ts';
import { ErrorBox } from '../../components/page-states.tsx';
import { AnswerLine } from './answer-line.tsx';
import { CurvesCard } from './curves-card.tsx';
import { Flow } from './flow.tsx';
import type { TabProps } from './job-tabs.ts';
import { LossesCard } from './losses-card.tsx';
import { RunsCard } from './runs-card.tsx';
import { useCurves } from './use-curves.ts';
import { WarningsCard } from './warnings-card.tsx';
import { LogLines } from './log-lines.tsx';

/** How a job goes, or went: its stages, its curves as they come, its runs, warnings and the end of its log. */
export default function OverviewTab({ job, report, networks }: TabProps) {
  const { curves, error, reload } = useCurves(job.id);
  return (
    <div class="stack">
      {report && (
        <a class="answer-link" href={`/jobs/${job.id}/results`}>
          <AnswerLine answer={answerOf(rowsOf(report, 'best'))} />
        </a>
      )}
      <Flow job={job} report={report} />
      {error && curves === undefined ? (
        <section class="card">
          <ErrorBox title="Could not load the curves" problem={error} onRetry={reload} />
        </section>
      ) : (
        <div class="grid curves">
          <CurvesCard job={job} networks={networks} curves={curves} />
          <LossesCard job={job} networks={networks} curves={curves} />
        </div>
      )}
      <RunsCard job={job} report={report} networks={networks} curves={curves} />
      <WarningsCard job={job} report={report} />
      {!isTerminal(job.state) && (
        <section class="card" aria-label="Log">
          <header>
            <h2>Log</h2>
            <span class="push" />
            <a class="link small" href={`/jobs/${job.id}/logs`}>
              All lines
            </a>
          </header>
          <LogLines job={job.id} tail={8} follow />
        </section>
      )}
    </div>
  );
}
