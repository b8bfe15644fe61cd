/** Our side of the benchmark: answers the requests of `protocol.ts` with `steps.ts` and `experiment.ts`. */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { startEngine } from '@distillery/engine';
import { runExperiment } from './experiment.ts';
import { readInputs } from './inputs.ts';
import type { Answer, Request, Timing, Work } from './protocol.ts';
import { stepper } from './steps.ts';

type Measure = (steps: number) => Promise<Pick<Timing, 'milliseconds' | 'parts'>>;

const work = JSON.parse(process.argv[2]) as Work;
const { backend, versions } = await startEngine();
const software = [`TensorFlow.js ${versions.tfjs}`, `${backend} ${versions.tensorflow ?? ''}`.trim()];
const version = [...software, `Node.js ${versions.node}`].join(', ');
let measure: Measure | undefined;

for await (const line of createInterface(process.stdin)) {
  process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line) as Request))}\n`);
}
// A training waits for its next step.
process.exit();

async function answer({ steps }: Request): Promise<Answer> {
  try {
    measure ??= await prepared();
    return { ...(await measure(steps)), peakBytes: peakBytes(), version };
  } catch (error) {
    return { refused: (error as Error).message };
  }
}

async function prepared(): Promise<Measure> {
  const { task, inputs, precision } = work;
  if (task !== 'experiment') {
    const take = await stepper({ ...work, task });
    return async (steps) => ({ milliseconds: await take(steps) });
  }
  const dataset = readInputs(inputs);
  return async () => {
    const parts = await runExperiment(dataset, precision);
    return { milliseconds: [parts.reduce((sum, { milliseconds }) => sum + milliseconds, 0)], parts };
  };
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
