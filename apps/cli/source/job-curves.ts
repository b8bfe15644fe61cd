import type { Client } from '@distillery/client';
import { createSeries } from './series.ts';
import type { StageCurves } from './watch-view.ts';

/** The curves of a job that is watched, as far as they are read. */
export interface JobCurves {
  of(stage: string): StageCurves | undefined;
  /** Reads the rows that are new. A second call while one runs has no effect; failures are left to the next call. */
  read(): Promise<void>;
}

/** The rows of a request: few requests for a long job. */
const pageRows = 10_000;

export function jobCurves(client: Client, id: string, signal: AbortSignal): JobCurves {
  const curves = new Map<string, StageCurves>();
  let after: string | undefined;
  let reading = false;
  const options = { signal, retries: 0 };
  return {
    of: (stage) => curves.get(stage),
    async read() {
      if (reading) return;
      reading = true;
      try {
        for await (const page of client.jobs.metrics(id, { after, limit: pageRows }, options).pages()) {
          after = page.after ?? after;
          for (const { stage, values } of page.metrics) {
            const own = curves.get(stage) ?? { loss: createSeries(), accuracy: createSeries() };
            curves.set(stage, own);
            if (typeof values.loss === 'number') own.loss.add(values.loss);
            if (typeof values.validation_accuracy === 'number') own.accuracy.add(values.validation_accuracy);
          }
        }
      } catch {
        // The curves decorate the view; that the service is out of reach is told by the watch itself.
      } finally {
        reading = false;
      }
    },
  };
}
