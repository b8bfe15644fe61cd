/** Our side of the benchmark: answers the requests of `protocol.ts` with `steps.ts` and `experiment.ts`. */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { startEngine } from '@distillery/engine';
import { DistilleryError } from '@distillery/spec';
import { runExperiment } from './experiment.ts';
import { readImages } from './images.ts';
import type { Answer, Request, Setup, Timing } from './protocol.ts';
import { batchSize, stepper } from './steps.ts';

const dataset = readImages(JSON.parse(process.argv[2]) as Setup);
const { backend, versions } = await startEngine();
const software = [`TensorFlow.js ${versions.tfjs}`, `${backend} ${versions.tensorflow ?? ''}`.trim()];
const version = [...software, `Node.js ${versions.node}`].join(', ');
const take = stepper(dataset);

for await (const line of createInterface(process.stdin)) {
  process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line) as Request))}\n`);
}

async function answer(request: Request): Promise<Answer> {
  try {
    return { ...(await measure(request)), peakBytes: peakBytes(), version };
  } catch (error) {
    // float32 must work; bfloat16 may be unsupported by the machine or version.
    if (request.precision === 'float32' || !(error instanceof DistilleryError)) throw error;
    return { refused: error.message };
  }
}

async function measure({ task, precision, steps }: Request): Promise<Pick<Timing, 'milliseconds' | 'parts'>> {
  if (task === 'experiment') {
    const parts = await runExperiment(dataset, precision);
    return { milliseconds: [parts.reduce((sum, { milliseconds }) => sum + milliseconds, 0)], parts };
  }
  if (task === 'distill') {
    const { total } = await take(task, precision, Math.ceil(dataset.train.count / batchSize));
    return { milliseconds: [total] };
  }
  return { milliseconds: (await take(task, precision, steps)).each };
}

/** Prefers Linux' VmHWM, because the `maxRSS` of a child includes the memory of its parent. */
function peakBytes(): number {
  try {
    const status = readFileSync('/proc/self/status', 'utf8');
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
  } catch {
    return process.resourceUsage().maxRSS * 1024;
  }
}
