import type { ComponentType } from 'preact';
import type { PageName } from './paths.ts';

/** What a page is given: the parameters of its path. What else decides its view is in the query; see `useQuery`. */
export interface PageProps {
  params: Readonly<Record<string, string>>;
}

interface PageModule {
  default: ComponentType<PageProps>;
}

/** Loads the pages of `pagePaths`, each in a file of its own that is fetched when it is first shown. */
export const pages: Record<PageName, () => Promise<PageModule>> = {
  datasets: () => import('./pages/datasets/datasets-page.tsx'),
  dataset: () => import('./pages/dataset/dataset-page.tsx'),
  sweeps: () => import('./pages/sweeps/sweeps-page.tsx'),
  sweep: () => import('./pages/sweep/sweep-page.tsx'),
  workers: () => import('./pages/workers/workers-page.tsx'),
  keys: () => import('./pages/keys/keys-page.tsx'),
  new: () => import('./pages/new/new-page.tsx'),
  jobs: () => import('./pages/jobs/jobs-page.tsx'),
  job: () => import('./pages/job/job-page.tsx'),
  compare: () => import('./pages/compare/compare-page.tsx'),
};
