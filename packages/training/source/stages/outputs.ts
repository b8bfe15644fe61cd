import type { Dataset } from '@distillery/datasets';
import type { BatchSource } from '../batches/batch-thread.ts';
import { columns } from '../planning/class-map.ts';
import { forEachOutput, predict } from '../evaluate.ts';
import { createNetwork, disposeNetwork } from '../network.ts';
import { outputsAddress, outputsName, rowWriter, type StoredRows } from '../outputs.ts';
import { networkOf } from '../planning/layout.ts';
import { outputSets, storedShape } from '../planning/output-sets.ts';
import { jobTeachers } from '../planning/students.ts';
import { loadWeights } from '../weights.ts';
import { loadMaterials, outputsKey, phase } from './materials.ts';
import { teacherStage, trainedNetwork } from './results.ts';
import type { StageContext } from './stage.ts';
import type { TeacherResult } from './teacher.ts';

export interface OutputsResult {
  sets: OutputsSet[];
  /** What a teacher with data of its own says of the job's test images, `[test, classes]` float32. */
  testLogits?: { digest: string; size: number };
}

/** What is stored for one augmentation. */
interface OutputsSet {
  /** Where their manifests lie, also when an earlier job has put them there. */
  address: string;
  teacher: string;
  augmentation: string;
  views: number;
  taps: string[];
  bytes: number;
  /** True when every file was there already. */
  reused: boolean;
}

/**
 * Computes what the students will read of the frozen teacher, once for each image, view and tap. Files that an
 * earlier job left are not computed again.
 *
 * @throws DistilleryError `artifact_corrupt` when the teacher's weights are not those of the digest in its result: the
 *   store verifies what it reads. Students see these outputs alone, so no step of theirs can change the teacher
 */
export async function runOutputs(context: StageContext): Promise<OutputsResult> {
  const { job, stage, store, tell, pause, results } = context;
  const materials = await loadMaterials(context);
  const { dataset, indices, layout } = materials;
  const name = stage.student ?? stage.teacher ?? 'teacher';
  const taught = networkOf(layout, name);
  const { forward, plan, classMap } = taught;
  const teacherWeights = trainedNetwork(results, name, stage.seed ?? 0).best.weights.digest;
  // A teacher from elsewhere sees the job's images as it saw its own.
  const abroad = jobTeachers(job.spec).some((teacher) => teacher.name === name && teacher.dataset);
  const normalization = abroad
    ? (results[teacherStage(name)] as TeacherResult).dataset.normalization
    : dataset.normalization;
  // Texts have no normalisation, and their teachers no data of their own.
  const seen = { ...dataset, normalization } as Dataset;
  const wanted = outputSets(layout, name);
  const total = wanted.reduce((sum, { views }) => sum + views, 0);
  let done = 0;
  const network = createNetwork(
    forward,
    dataset.shape,
    await loadWeights(store, teacherWeights, plan.parameters),
  );
  try {
    const sets: OutputsSet[] = [];
    for (const { augmentation, views, taps } of wanted) {
      const key = outputsKey(teacherWeights, materials, job.spec, augmentation, classMap);
      const source = { dataset: seen, split: dataset.train, augmentation };
      let bytes = 0;
      let computed = 0;
      for (let view = 0; view < views; view++) {
        const missing: string[] = [];
        for (const tap of taps) {
          const known = await store.manifest<StoredRows>(outputsName(key, tap, view));
          if (known === undefined) missing.push(tap);
          else bytes += known.size;
        }
        if (missing.length > 0) {
          const stored = await storeView(missing, source, view);
          for (const [tap, rows] of Object.entries(stored)) {
            await store.commit(outputsName(key, tap, view), rows);
            bytes += rows.size;
          }
          computed++;
        }
        done++;
      }
      const reused = computed === 0;
      sets.push({
        address: outputsAddress(key),
        teacher: name,
        augmentation: augmentation.type,
        views,
        taps,
        bytes,
        reused,
      });
    }
    return { sets, ...(abroad && { testLogits: await testLogits() }) };
  } finally {
    disposeNetwork(network);
  }

  /** The logits of the job's classes. */
  function ofJob(logits: Float32Array): Float32Array {
    return classMap === undefined ? logits : columns(logits, plan.taps.logits[0], classMap);
  }

  async function testLogits() {
    const [logits] = await predict(network, seen, dataset.test, pause);
    const { buffer, byteOffset, byteLength } = ofJob(logits);
    return await store.put(new Uint8Array(buffer, byteOffset, byteLength));
  }

  async function storeView(
    taps: string[],
    source: BatchSource,
    view: number,
  ): Promise<Record<string, StoredRows>> {
    const writers = taps.map((tap) => [tap, rowWriter(store, storedShape(taught, tap))] as const);
    try {
      await forEachOutput(
        network,
        source,
        indices.train,
        view,
        taps,
        async (outputs, from) => {
          for (const [tap, writer] of writers) {
            const values = outputs[tap].dataSync() as Float32Array;
            await writer.write(tap === 'logits' ? ofJob(values) : values);
          }
          tell.progress(phase('storing', (done + from / indices.train.length) / total));
        },
        pause,
      );
    } catch (error) {
      for (const [, writer] of writers) writer.abort(error as Error);
      throw error;
    }
    return Object.fromEntries(
      await Promise.all(writers.map(async ([tap, writer]) => [tap, await writer.close()])),
    );
  }
}
