import { isTerminal } from '@distillery/spec/states';
import { useMemo } from 'preact/hooks';
import { ButtonLink } from '../../components/button.tsx';
import { Empty, Loading } from '../../components/page-states.tsx';
import { bytes, number, percent } from '../../format/numbers.ts';
import { useQuery } from '../../router/query.ts';
import { type Answer, answerOf } from '../../results/answer.ts';
import { type Chosen, rowsOf } from '../../results/rows.ts';
import { Analyses } from './analyses.tsx';
import { AnswerLine } from './answer-line.tsx';
import type { TabProps } from './job-tabs.ts';
import { ResultsTable } from './results-table.tsx';
import { SizeCard } from './size-card.tsx';

/** What a job found: the answer in a sentence, all students with their controls, and charts that explain it. */
export default function ResultsTab({ job, report, networks }: TabProps) {
  const [query] = useQuery();
  const chosen: Chosen = query.get('epoch') === 'last' ? 'last' : 'best';
  const rows = useMemo(() => (report === undefined ? [] : rowsOf(report, chosen)), [report, chosen]);
  if (report === undefined) {
    if (job.state === 'succeeded') return <Loading rows={8} label="Loading the report" />;
    return (
      <section class="card">
        <Empty
          icon="clock"
          title={isTerminal(job.state) ? 'There is no report' : 'The report comes at the end'}
        >
          <p>
            {isTerminal(job.state)
              ? `The job has ${job.state} before its networks could be compared. What is finished is kept.`
              : 'It compares all students with their controls, once the last of them is trained.'}
          </p>
          <ButtonLink href={`/jobs/${job.id}`}>Watch the curves</ButtonLink>
        </Empty>
      </section>
    );
  }
  const answer = answerOf(rows);
  return (
    <div class="stack">
      <div class="answer-row">
        <AnswerLine answer={answer} />
        <Facts answer={answer} rows={rows} />
      </div>
      <ResultsTable job={job} report={report} rows={rows} chosen={chosen} best={answer.best} />
      <div class="grid g2">
        <SizeCard job={job} rows={rows} />
        <Analyses job={job} rows={rows} networks={networks} />
      </div>
    </div>
  );
}

/** The best student beside its teacher, in four numbers. */
function Facts({ answer: { best }, rows }: { answer: Answer; rows: ReturnType<typeof rowsOf> }) {
  const teacher = rows.find(({ network }) => network.role === 'teacher');
  if (best === undefined) return null;
  const { gapClosed } = best;
  return (
    <dl class="facts">
      {gapClosed && (
        <div>
          <dt>Gap to teacher closed</dt>
          <dd>
            {number(gapClosed.mean * 100)}{' '}
            <span class="pm">{gapClosed.sd === null ? '' : `± ${number(gapClosed.sd * 100)} `}%</span>
          </dd>
        </div>
      )}
      {teacher && (
        <div>
          <dt>Teacher</dt>
          <dd>{percent(teacher.accuracy.mean)} %</dd>
        </div>
      )}
      <div>
        <dt>Size</dt>
        <dd>
          {bytes(best.weightBytes)} {teacher && <span class="pm">of {bytes(teacher.weightBytes)}</span>}
        </dd>
      </div>
      <div>
        <dt>Latency</dt>
        <dd>
          {number(best.latencyMs, 2)}{' '}
          {teacher ? <span class="pm">of {number(teacher.latencyMs, 2)} ms</span> : 'ms'}
        </dd>
      </div>
    </dl>
  );
}
