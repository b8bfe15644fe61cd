/**
 * Profiles an eager training step on the native engine: every TensorFlow operation by name and output shape, tensors that
 * are created and disposed, and the remaining time of JavaScript.
 *
 *   npm run bench:profile -- [--network deepnn] [--task plain|soft_target|feature] [--precision float32|bfloat16]
 *                            [--steps 10] [--top 30]
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startEngine } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import { trainerEnvironment } from '@distillery/worker/trainer-environment';
import { writeInputs } from './inputs.ts';
import { networks, type StepTask, workOf } from './networks.ts';
import type { Precision } from './protocol.ts';
import { stepper } from './steps.ts';

/** The addon's functions that `packages/engine` and TensorFlow.js call. */
interface Binding {
  executeOp(name: string, attributes: unknown, inputs: number[], outputs: number): Tensor[];
  createTensor(shape: number[], type: number, values: unknown): number;
  tensorDataSync(id: number): ArrayLike<number>;
  deleteTensor(id: number): void;
}
interface Tensor {
  shape: number[];
  /** TensorFlow's number of the type: 1 is float32. */
  dtype: number;
}

const { values } = parseArgs({
  options: {
    network: { type: 'string', default: 'deepnn' },
    task: { type: 'string', default: 'plain' },
    precision: { type: 'string', default: 'float32' },
    steps: { type: 'string', default: '10' },
    top: { type: 'string', default: '30' },
  },
});
const network = oneOf('network', Object.keys(networks));
const task: StepTask = oneOf('task', ['plain', 'soft_target', 'feature'] as const);
const precision: Precision = oneOf('precision', ['float32', 'bfloat16'] as const);
const count = Number(values.steps);
const types: Record<number, string> = { 3: 'int32', 10: 'bool', 14: 'bfloat16', 20: 'resource' };

// The allocator reads its settings when a process starts. Only eager steps have operations to watch.
if (process.env.MALLOC_TOP_PAD_ === undefined) {
  const again = [...process.execArgv, ...process.argv.slice(1)];
  const env = { ...process.env, ...trainerEnvironment, STEP: 'eager' };
  process.exit(spawnSync(process.execPath, again, { stdio: 'inherit', env }).status ?? 1);
}

await startEngine('native');
const spent = watch();
const folder = mkdtempSync(join(tmpdir(), 'distillery-bench-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const setup = { inputs: await writeInputs(folder, 256), threads: availableParallelism() };
const work = workOf({ network, task, precision }, setup);
const take = await stepper({ ...work, task });
await take(3);
spent.clear();
const each = await take(count);
print(each.reduce((sum, milliseconds) => sum + milliseconds, 0));
// The training waits for its next step.
process.exit();

/** Measures the addon's functions; each call adds to the map. */
function watch(): Map<string, { ms: number; calls: number }> {
  const times = new Map<string, { ms: number; calls: number }>();
  const backend = tf.backend() as unknown as { binding: Binding };
  const { binding } = backend;
  // The functions of the addon cannot be replaced, but a proxy can replace the object that has them.
  const watched = {
    executeOp: timed(binding.executeOp, ([op], [first]) => `${op} ${described(first)}`),
    createTensor: timed(binding.createTensor, ([shape]) => `(to TensorFlow) [${shape}]`),
    tensorDataSync: timed(binding.tensorDataSync, (_, { length }) => `(to JavaScript) [${length}]`),
    deleteTensor: timed(binding.deleteTensor, () => '(freed)'),
  };
  backend.binding = Object.create(
    binding,
    Object.fromEntries(Object.entries(watched).map(([key, value]) => [key, { value }])),
  ) as Binding;
  return times;

  function timed<A extends unknown[], R>(call: (...args: A) => R, key: (args: A, result: R) => string) {
    return (...args: A): R => {
      const begun = performance.now();
      const result = call.apply(binding, args);
      const ms = performance.now() - begun;
      const row = key(args, result);
      const entry = times.get(row) ?? { ms: 0, calls: 0 };
      times.set(row, { ms: entry.ms + ms, calls: entry.calls + 1 });
      return result;
    };
  }
}

function described(first: Tensor | undefined): string {
  if (first === undefined) return '';
  const type = first.dtype === 1 ? '' : ` ${types[first.dtype] ?? `type ${first.dtype}`}`;
  return `[${first.shape}]${type}`;
}

function print(total: number): void {
  const rows = [...spent].sort(([, a], [, b]) => b.ms - a.ms);
  const inside = rows.reduce((sum, [, { ms }]) => sum + ms, 0);
  const each = (ms: number) => `${(ms / count).toFixed(2).padStart(8)} ms`;
  const lines = [
    `${network}, ${task}, ${precision}, batch ${work.batch}, mean of ${count} steps`,
    `${each(total)}          a step`,
    `${each(inside)}          in TensorFlow`,
    `${each(total - inside)}          left for JavaScript`,
    '',
    ...rows
      .slice(0, Number(values.top))
      .map(([row, { ms, calls }]) => `${each(ms)} ${(calls / count).toFixed(1).padStart(7)}×  ${row}`),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

function oneOf<T extends string>(option: 'network' | 'task' | 'precision', allowed: readonly T[]): T {
  const given = values[option];
  if (!allowed.includes(given as T)) {
    throw new RangeError(`--${option} ${given}: it takes ${allowed.join(', ')}`);
  }
  return given as T;
}
