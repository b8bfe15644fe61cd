import type { JobView, StreamEvent } from '@distillery/spec';

/** The view of a job after an event; what an event does not tell stays until the job is read again. */
export function withEvent(job: JobView, event: StreamEvent): JobView {
  if (event.type === 'job') return { ...job, state: event.state, reason: event.reason };
  if (event.type !== 'stage' && event.type !== 'progress') return job;
  return {
    ...job,
    stages: job.stages.map((stage) => {
      if (stage.id !== event.stage || event.attempt < stage.attempt) return stage;
      if (event.type === 'progress') return { ...stage, progress: event.progress };
      const { state, attempt, worker, reason } = event;
      return { ...stage, state, attempt, worker, reason };
    }),
  };
}
