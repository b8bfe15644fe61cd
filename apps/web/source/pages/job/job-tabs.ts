import type { JobView, Report } from '@distillery/spec';
import type { JobNetworks } from './job-networks.ts';

/** What each tab of a job is given. */
export interface TabProps {
  job: JobView;
  /** Absent until the job has succeeded. */
  report: Report | undefined;
  networks: JobNetworks;
}

/** The tabs of a job, with the ends of their addresses. */
export const jobTabs = [
  { name: 'overview', label: 'Overview', path: '' },
  { name: 'results', label: 'Results', path: '/results' },
  { name: 'dark-knowledge', label: 'Dark knowledge', path: '/dark-knowledge' },
  { name: 'stages', label: 'Stages', path: '/stages' },
  { name: 'files', label: 'Files', path: '/files' },
  { name: 'logs', label: 'Logs', path: '/logs' },
  { name: 'spec', label: 'Spec', path: '/spec' },
] as const;

export type TabName = (typeof jobTabs)[number]['name'];
