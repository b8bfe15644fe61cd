import { existsSync } from 'node:fs';
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Swept, sweepStore } from '@distillery/api';
import { openStore } from '@distillery/store';
import { randomStream } from '@distillery/engine';
import { type DistilleryQueue, openQueue } from '@distillery/queue';
import { startAsking } from './asking.ts';
import { type Cluster, startCluster } from './cluster.ts';
import { digestsIn, factsOf, idsByState, type JobFacts, verified } from './facts.ts';
import { disturb } from './faults.ts';
import { ofIndexes, ofJob, ofKeys, ofStore, ofWeights, type Violation } from './invariants.ts';
import { jobsToRun } from './jobs.ts';
import { type Load, startLoad } from './load.ts';
import { undisturbed, type Weights } from './reference.ts';

export interface ChaosOptions {
  seed: number;
  /** Of faults. */
  minutes: number;
  workers: number;
  /** Jobs at once. */
  open: number;
  /** Jobs in all. */
  most: number;
  /** How many different ones. */
  different: number;
  /** Between two faults, from and to, ms. */
  pauseMs: readonly [number, number];
  /** How long the jobs may take once the faults have stopped, ms. */
  patienceMs: number;
  log: (line: string) => void;
}

export interface ChaosOutcome {
  /** From the first fault to the last. */
  minutes: number;
  faults: Record<string, number>;
  /** Orders of people. */
  orders: Record<string, number>;
  accepted: number;
  deleted: number;
  /** Jobs that are there at the end, by state. */
  states: Record<string, number>;
  /** How jobs had ended before they were retried, and why. */
  ends: Record<string, number>;
  stages: number;
  attempts: number;
  /** HTTP answers by status; `none`: there was no answer. */
  answers: Record<string, number>;
  /** What the sweep of the store took: of writers that were killed before their manifest, of deletions that were. */
  swept: Swept;
  surprises: string[];
  violations: Violation[];
  /** Logs, Redis' files and the store; removed when nothing was violated. */
  folder: string;
}

/** Runs jobs while everything goes wrong, then looks whether anything did. */
export async function chaos(options: ChaosOptions): Promise<ChaosOutcome> {
  const { seed, minutes, workers, log } = options;
  process.env.TF_NUM_INTRAOP_THREADS = '1';
  const folder = await mkdtemp(join(tmpdir(), 'distillery-chaos-'));
  const jobs = jobsToRun(options.different);
  log(`${jobs.length} different jobs, undisturbed first`);
  const reference = await undisturbed(join(folder, 'reference'), jobs);
  const cluster = await startCluster(folder, workers);
  log(`seed ${seed}, ${workers} workers, ${folder}`);
  if (cluster.disk === undefined) log('the disk is never full: this user may not mount one');
  if (!existsSync('/proc/self')) {
    log('no trainer is disturbed, and orphans are not looked for: this system has no /proc');
  }
  const queue = await openQueue({ url: cluster.redisUrl });
  const store = await openStore(cluster.storeDir);
  const asking = startAsking(cluster.url, 60_000);
  const load = startLoad({
    asking,
    jobs,
    open: options.open,
    most: options.most,
    random: randomStream(seed, 'people'),
    factsOf: (id) => factsOf(queue, store, id),
  });
  try {
    await asking.ask('GET', '/v1/methods');
    const begun = performance.now();
    const stop = AbortSignal.timeout(minutes * 60_000);
    const [injected] = await Promise.all([
      disturb(cluster, randomStream(seed, 'faults'), options.pauseMs, stop),
      load.run(stop),
    ]);
    const disturbed = (performance.now() - begun) / 60_000;
    for (const line of injected.log) log(line);
    await restore(cluster);
    log(`all is restored; ${load.states.size} jobs are to end`);
    const open = await load.finish(options.patienceMs);
    const left = await cluster.stop();
    const surprises = [cluster.api, ...cluster.workers].flatMap((managed) => managed.surprises);
    const violations = [
      ...open.map((where) => ({ what: `the job has not succeeded within ${options.patienceMs} ms`, where })),
      ...left.map((what) => ({ what, where: 'processes' })),
      ...asking.unexpected.map((what) => ({ what, where: 'API' })),
    ];
    const { found, facts, swept } = await examined(cluster, queue, load, reference);
    violations.push(...found);
    if (violations.length > 0 && cluster.disk !== undefined) {
      await cp(cluster.storeDir, join(folder, 'store-at-the-end'), { recursive: true });
    }
    return {
      minutes: disturbed,
      faults: injected.counts,
      orders: load.orders,
      accepted: new Set(load.answers.map(({ id }) => id)).size,
      deleted: load.deleted.length,
      states: tally([...load.states.values()]),
      ends: tally(facts.flatMap(earlierEnds)),
      stages: facts.reduce((sum, { view }) => sum + view.stages.length, 0),
      attempts: facts.flatMap(({ view }) => view.stages).reduce((sum, { attempt }) => sum + attempt, 0),
      answers: asking.counts,
      swept,
      surprises,
      violations,
      folder,
    };
  } finally {
    await queue.close();
    await cluster.close();
    await cluster.disk?.unmount();
  }
}

async function restore({ networks, disk, redis, workers, api }: Cluster): Promise<void> {
  for (const { proxy } of networks) proxy.restore({ reset: true });
  redis.signal('SIGCONT');
  for (const managed of [api, ...workers]) managed.signal('SIGCONT');
  await disk?.free();
  await delay(500);
}

/** Looks at everything that was left behind. */
async function examined(
  cluster: Cluster,
  queue: DistilleryQueue,
  load: Load,
  reference: ReadonlyMap<string, Weights>,
) {
  // Opened anew: that is when it is swept.
  const store = await openStore(cluster.storeDir);
  // First of all, so that what follows sees whether it takes too much.
  const everything = new Date(Date.now() + 60_000);
  const swept = await sweepStore(queue, store, { before: everything, remove: true });
  const found: Violation[] = [];
  const there: JobFacts[] = [];
  for (const id of load.states.keys()) {
    const facts = await factsOf(queue, store, id).catch((error: Error) => {
      found.push({ what: `an accepted job cannot be read: ${error.message}`, where: id });
    });
    if (facts) there.push(facts);
  }
  const facts = [...there, ...load.deleted];
  for (const job of facts) {
    found.push(...ofJob(job));
    if (job.view.state === 'succeeded') found.push(...ofWeights(job, reference.get(job.name)));
  }
  found.push(...ofKeys(load.answers));
  found.push(
    ...ofIndexes(
      there.map(({ view: { id, state } }) => ({ id, state })),
      await idsByState(queue),
    ),
  );
  const manifests = await store.list('');
  const listing = new Map<string, string[]>();
  for (const name of manifests) listing.set(name, digestsIn(await store.manifest(name)));
  const listed = [...listing.values()].flat();
  const incoming = (await readdir(join(cluster.storeDir, 'incoming'))).map((name) => `incoming/${name}`);
  // What Node and tsx have compiled stays on purpose.
  const temporary = (await readdir(cluster.tmpDir)).filter((name) => !/^(tsx-|node-)/.test(name));
  const named = new Set([...listed, ...there.flatMap(({ digests }) => Object.keys(digests))]);
  const blobs = await readdir(join(cluster.storeDir, 'blobs'), { recursive: true, withFileTypes: true });
  found.push(
    ...ofStore({
      // An entry without a blob is an attempt's, which stands for the fence.
      checkpoints: manifests.filter((name) => name.startsWith('jobs/') && listing.get(name)?.length !== 0),
      digests: await verified(store, listed),
      unfinished: [...incoming, ...temporary.map((name) => `tmp/${name}`)],
      unnamed: blobs.filter((entry) => entry.isFile() && !named.has(entry.name)).map(({ name }) => name),
    }),
  );
  return { found, facts, swept };
}

/** Ends of a job that were not its last, and the failures' codes. */
function earlierEnds({ events }: JobFacts): string[] {
  return events.flatMap((event) => {
    if (event.type === 'job') return event.state === 'cancelled' ? ['cancelled'] : [];
    if (event.type !== 'stage' || event.state !== 'failed') return [];
    return [`failed with ${event.reason?.code}`];
  });
}

function tally(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}

/** Removes what a run has left. */
export async function tidy({ folder }: ChaosOutcome): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}
