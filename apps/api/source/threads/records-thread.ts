/** The entry of the thread that reads and controls large jobs. */
import { answerRequests } from './answering.ts';
import { jobWorks } from './job-works.ts';
import { openServices, reconnected } from './open-services.ts';

// Who asks has just read the head of the job.
answerRequests(jobWorks, openServices, reconnected);
