import type { Analysis, PredictionAnalysis } from '@distillery/spec';
import type { Store } from '@distillery/store';
import { analysePredictions } from '@distillery/training';
import { type JobResults, labelsOf, predictedSoFar } from './predicted.ts';
import { recent } from '../recent.ts';

/** Each takes some kilobytes, or with 200 classes some hundred. */
const known = recent<PredictionAnalysis>(200);

/**
 * Analyses the predictions of a job's networks one after the other, so that the logits of one are in memory.
 *
 * @throws DistilleryError `not_ready` before the first student is trained; `unsupported_job`; those of the store
 */
export async function analysisOf(store: Store, job: JobResults): Promise<Analysis> {
  const predictions = predictedSoFar(job);
  const { classes, testLabels } = predictions.data;
  const networks: Analysis['networks'] = [];
  for (const { stage, role, name, seed, logits } of predictions.networks) {
    const analysis = await known(`${logits.digest} ${testLabels.digest}`, async () =>
      analysePredictions({
        logits: new Float32Array((await store.read(logits.digest)).slice().buffer),
        labels: await labelsOf(store, predictions),
        classes: classes.length,
      }),
    );
    networks.push({ stage, role, name, seed, checkpoint: 'best', ...analysis });
  }
  return { classes, networks };
}
