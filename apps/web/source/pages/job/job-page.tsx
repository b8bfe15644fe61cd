import type { Report } from '@distillery/spec';
import { lazy } from './lazy.tsx';
import { useLoad } from '../../api/use-load.ts';
import { HighlightScope } from '../../charts/highlight.tsx';
import { ErrorBox, Loading } from '../../components/page-states.tsx';
import { useQuery } from '../../router/query.ts';
import type { PageProps } from '../../routes.ts';
import { useTitle } from '../../use-title.ts';
import { JobHead } from './job-head.tsx';
import { networksOf } from './job-networks.ts';
import { jobTabs, type TabName, type TabProps } from './job-tabs.ts';
import { useJob } from './use-job.ts';
import { Tabs } from '../../components/tabs.tsx';
import '../../charts/charts.css';
import '../../styles/flow.css';
import './job.css';

/** Each tab is a file of its own, which is fetched when it is first shown. */
const views: Record<TabName, ReturnType<typeof lazy<TabProps>>> = {
  overview: lazy(() => import('./overview-tab.tsx')),
  results: lazy(() => import('./results-tab.tsx')),
  'dark-knowledge': lazy(() => import('./dark-knowledge-tab.tsx')),
  stages: lazy(() => import('./stages-tab.tsx')),
  files: lazy(() => import('./files-tab.tsx')),
  logs: lazy(() => import('./logs-tab.tsx')),
  spec: lazy(() => import('./spec-tab.tsx')),
};

/** A job: `/jobs/:id`, and its tabs below. */
export default function JobPage({ params }: PageProps) {
  const { id = '', tab = 'overview' } = params;
  const { data: job, error, reload } = useJob(id);
  const [query, change] = useQuery();
  const known = jobTabs.find(({ name }) => name === tab);
  const report = useLoad<Report>(
    job?.state === 'succeeded' ? `/v1/jobs/${encodeURIComponent(id)}/report` : null,
  );
  const name = job?.name ?? id;
  const progress = job?.state === 'running' ? `${Math.floor(job.progress)} %` : undefined;
  useTitle(progress, known?.name === 'overview' ? undefined : known?.label, name);

  if (job === undefined) {
    if (error === undefined) return <Loading rows={6} label="Loading the job" />;
    return (
      <section class="card">
        <ErrorBox title="Could not load the job" problem={error} onRetry={reload} />
      </section>
    );
  }
  const networks = networksOf(job);
  const View = views[known?.name ?? 'overview'];
  return (
    <HighlightScope
      pinned={query.get('student')}
      onPin={(student) => change({ student })}
      alongWith={networks.alongWith}
    >
      <JobHead job={job} report={report.data} onChange={reload} />
      <Tabs
        label="Job"
        tabs={jobTabs.map(({ name: one, label, path }) => ({
          href: `/jobs/${encodeURIComponent(id)}${path}`,
          label,
          current: one === (known?.name ?? 'overview'),
        }))}
      />
      {report.error && (
        <section class="card">
          <ErrorBox title="Could not load the report" problem={report.error} onRetry={report.reload} />
        </section>
      )}
      <View job={job} report={report.data} networks={networks} />
    </HighlightScope>
  );
}
