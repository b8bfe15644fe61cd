import { problemSchema, problemType } from '../problem.ts';

const problem = (description: string) => ({
  description,
  content: { [problemType]: { schema: problemSchema } },
});

/** The errors of every route, for its description. */
export const problems = {
  '4xx': problem('The request cannot be served as it is; `code` says why'),
  '5xx': problem('The service cannot serve it now; 503 has a Retry-After'),
};
