import { problemSchema, problemType } from '../problem.ts';

const problem = (description: string) => ({
  description,
  content: { [problemType]: { schema: problemSchema } },
});

/** The errors of every route that needs a key. */
export const accessProblems = {
  401: problem('The request has no valid API key.'),
  403: problem("The key's scope does not allow it, or the job belongs to another owner."),
  429: problem('Too many requests (`Retry-After` tells when to try again), or too many unfinished jobs.'),
};

/** The errors of every route. */
export const problems = {
  '4xx': problem('The request is not valid; `code` tells why.'),
  '5xx': problem('The service cannot answer now; 503 has a `Retry-After`.'),
};
