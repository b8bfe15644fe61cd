/** A process of bench/fleet.ts that takes stages which compute nothing, as many at once as it stands for workers. */
import { openQueue } from '@distillery/queue';
import type { EngineInfo } from '@distillery/spec';
import { setTimeout as delay } from 'node:timers/promises';

export interface FleetWorker {
  redisUrl: string;
  name: string;
  /** The workers that this process stands for, each of which runs one stage at a time. */
  workers: number;
  /** The mean time that a stage takes, in ms. */
  stageMs: number;
  /** How often a stage reports its progress and two rows of metrics, in ms. */
  reportMs: number;
}

const { redisUrl, name, workers, stageMs, reportMs } = JSON.parse(process.argv[2]) as FleetWorker;
const queue = await openQueue({ url: redisUrl, onOutage: 'wait' });
const engine: EngineInfo = {
  name: 'none',
  backend: 'none',
  bfloat16: null,
  eagerSteps: null,
  threads: 1,
  versions: {},
  hardware: 'none',
  gigaflops: null,
};
let done = 0;
const registrations = await Promise.all(
  Array.from({ length: workers }, (_, index) =>
    queue.workers.register({ id: `${name}-${index}`, host: name, version: 'bench', engine, trainers: 1 }),
  ),
);

const consumer = await queue.stages.consume(
  async (run) => {
    // What a supervisor reads before it starts a trainer.
    const [, plan] = await Promise.all([
      queue.jobs.get(run.jobId),
      queue.jobs.plan(run.jobId),
      queue.jobs.spec(run.jobId),
      queue.jobs.results(run.jobId),
    ]);
    if (!plan.stages.some(({ id }) => id === run.stageId)) throw new Error(`no stage ${run.stageId}`);
    const end = performance.now() + stageMs * (0.5 + Math.random());
    for (let step = 1; ; step++) {
      const left = end - performance.now();
      await delay(Math.max(0, Math.min(left, reportMs)));
      run.signal.throwIfAborted();
      const time = new Date().toISOString();
      const row = { epoch: 1, step, time, values: { loss: 1 / step, cross_entropy: 1 / step } };
      await run.metrics([row, row]);
      const progress = { phase: 'training', fraction: 0.5, epoch: 1, epochs: 1, step, steps: step };
      await run.progress({ ...progress, loss: 1 / step, samplesPerSecond: 100 });
      if (left <= reportMs) break;
    }
    done++;
    return {};
  },
  { worker: name, concurrency: workers },
);
process.send?.(done);
// The parent may be gone between the question and the message.
const report = () => process.connected && process.send?.(done, undefined, undefined, () => {});
setInterval(report, 500).unref();
process.once('disconnect', () => process.exit());
process.once('SIGTERM', () => {
  void (async () => {
    await consumer.close({ finish: true });
    await Promise.all(registrations.map((one) => one.stop()));
    await queue.close();
    process.exit(0);
  })();
});
