/**
 * The addresses of the pages. The API answers each of them with the dashboard, whose router then shows the page.
 * `:name` is a parameter, `:name?` one that may be absent.
 */
export const pagePaths = {
  jobs: '/jobs',
  job: '/jobs/:id/:tab?',
  compare: '/compare',
  new: '/new',
  sweeps: '/sweeps',
  sweep: '/sweeps/:id',
  datasets: '/datasets',
  dataset: '/datasets/:id',
  workers: '/workers',
  keys: '/keys',
} as const;

export type PageName = keyof typeof pagePaths;
