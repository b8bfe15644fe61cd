import type { JobView } from '@distillery/spec';
import { useLoad } from '../../api/use-load.ts';
import { ErrorBox, Loading } from '../../components/page-states.tsx';
import { useQuery } from '../../router/query.ts';
import { answerOf } from '../../results/answer.ts';
import type { ResultRow } from '../../results/rows.ts';
import type { Analysis } from './analysis.ts';
import { ClassGainCard } from './class-gain-card.tsx';
import { ConfusionCard } from './confusion-card.tsx';
import type { JobNetworks } from './job-networks.ts';
import { ReliabilityCard } from './reliability-card.tsx';

interface AnalysesProps {
  job: JobView;
  rows: readonly ResultRow[];
  networks: JobNetworks;
}

/** Reliability, confusion and gain by class, which are read from the predictions on the test set. */
export function Analyses({ job, rows, networks }: AnalysesProps) {
  const { data, error, pending, reload } = useLoad<Analysis>(
    `/v1/jobs/${encodeURIComponent(job.id)}/analysis`,
  );
  const [query] = useQuery();
  if (error && data === undefined) {
    return (
      <section class="card">
        <ErrorBox title="Could not load the analysis of the predictions" problem={error} onRetry={reload} />
      </section>
    );
  }
  if (pending || data === undefined) {
    return (
      <section class="card">
        <Loading rows={6} label="Loading the analysis of the predictions" />
      </section>
    );
  }
  const students = rows.filter(({ network }) => network.role === 'student');
  const asked = query.get('student');
  const student = students.find(({ name }) => name === asked) ?? answerOf(rows).best ?? students[0];
  const shared = { job, rows, networks, analysis: data };
  return (
    <>
      <ReliabilityCard {...shared} student={student} />
      {student && <ConfusionCard {...shared} student={student} />}
      {student?.control && <ClassGainCard {...shared} student={student} control={student.control} />}
    </>
  );
}

/** What each of these charts is given. */
export interface AnalysisProps extends AnalysesProps {
  analysis: Analysis;
  student: ResultRow;
}
