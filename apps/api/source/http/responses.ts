import { problemSchema, problemType } from '../problem.ts';

const problem = (description: string) => ({
  description,
  content: { [problemType]: { schema: problemSchema } },
});

/** The errors of every route that takes a key. */
export const accessProblems = {
  401: problem('No valid API key came with it; WWW-Authenticate says what is taken'),
  403: problem("The key's scope does not allow it, or the job is somebody else's"),
  429: problem('Too many requests, Retry-After says when to go on; or too many jobs on their way'),
};

/** The errors of every route, for its description. */
export const problems = {
  '4xx': problem('The request cannot be served as it is; `code` says why'),
  '5xx': problem('The service cannot serve it now; 503 has a Retry-After'),
};
