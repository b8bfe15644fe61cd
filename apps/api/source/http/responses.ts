import { problemSchema, problemType } from '../problem.ts';

const problem = (description: string) => ({
  description,
  content: { [problemType]: { schema: problemSchema } },
});

/** The errors of every route that needs a key. */
export const accessProblems = {
  401: problem('The request has no valid API key.'),
  403: problem("The key's scope does not allow the request, or the job belongs to another owner."),
  429: problem('Too many requests (`Retry-After` has the seconds to wait), or too many unfinished jobs.'),
};

/** The errors of every route. */
export const problems = {
  '4xx': problem('The request is not valid; `code` names the reason.'),
  '5xx': problem('The service cannot answer now; a 503 has a `Retry-After` header.'),
};
