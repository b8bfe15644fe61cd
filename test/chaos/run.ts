import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { collectLeftovers, type Swept, sweepStore } from '@distillery/api';
import { openStore, type Store } from '@distillery/store';
import { randomStream } from '@distillery/engine';
import { type DistilleryQueue, openQueue } from '@distillery/queue';
import { startPatientClient } from './patient-client.ts';
import { type Cluster, startCluster } from './cluster.ts';
import { digestsIn, factsOf, idsByState, type JobFacts, verified } from './facts.ts';
import { injectFaults } from './faults.ts';
import { ofIndexes, ofJob, ofKeys, ofStore, ofWeights, type Violation } from './invariants.ts';
import { jobsToRun } from './jobs.ts';
import { type Load, startLoad } from './load.ts';
import { bucketPlace, folderPlace } from './store-place.ts';
import { withoutFaults, type Weights } from './reference.ts';

export interface ChaosOptions {
  /** The folder of the compiled code that API and workers run. */
  built: string;
  seed: number;
  /** How long faults are injected, in minutes; longer if fewer than `least` have been. */
  minutes: number;
  /** The least jobs to submit, and faults to inject. */
  least: { jobs: number; faults: number };
  workers: number;
  /** Where the store is. With a bucket the workers share no folder. */
  store: 'folder' | 'bucket';
  /** The most unfinished jobs at a time. */
  open: number;
  /** The most jobs of the run. */
  most: number;
  /** The number of different jobs. */
  different: number;
  /** The shortest and the longest pause between two faults, in ms. */
  pauseMs: readonly [number, number];
  /** How long the jobs may take after the last fault, in ms. */
  patienceMs: number;
  log: (line: string) => void;
}

export interface ChaosOutcome {
  /** The minutes in which faults were injected. */
  minutes: number;
  faults: Record<string, number>;
  /** The number of control requests by action. */
  controls: Record<string, number>;
  accepted: number;
  deleted: number;
  /** The number of jobs at the end, by state. */
  states: Record<string, number>;
  /** How often jobs ended before they were retried, by reason. */
  ends: Record<string, number>;
  stages: number;
  attempts: number;
  /** The number of HTTP responses by status; `none`: no response. */
  answers: Record<string, number>;
  /** How many blobs of deleted jobs were removed while others ran. */
  collected: number;
  /** What the sweep removed: left by writers and deletions that were interrupted. */
  swept: Swept;
  unexpectedExits: string[];
  violations: Violation[];
  /** The folder with logs, Redis' files and the store. */
  folder: string;
}

/** Runs jobs while faults are injected, then checks every promise. */
export async function chaos(options: ChaosOptions): Promise<ChaosOutcome> {
  const { built, seed, minutes, workers, log } = options;
  process.env.TF_NUM_INTRAOP_THREADS = '1';
  const folder = await mkdtemp(join(tmpdir(), 'distillery-chaos-'));
  const jobs = jobsToRun(options.different);
  log(`${jobs.length} different jobs, first without faults`);
  const reference = await withoutFaults(join(folder, 'reference'), jobs);
  const bucket = options.store === 'bucket';
  const failing = randomStream(seed, 'bucket');
  const openPlace = () => (bucket ? bucketPlace(folder, () => failing.uniform()) : folderPlace(folder));
  const cluster = await startCluster(folder, { built, workers, openPlace, apart: bucket });
  log(`seed ${seed}, ${workers} workers, ${folder}`);
  if (!bucket && cluster.place.disk === undefined)
    log('the disk is never filled: this user may not mount one');
  if (!existsSync('/proc/self')) {
    log('no fault in trainers and no check for remaining processes: this system has no /proc');
  }
  const queue = await openQueue({ url: cluster.redisUrl });
  // A folder of copies of its own, as another machine has.
  const storeUrl = cluster.place.urlFor(join(folder, 'checks'));
  const store = await openStore(storeUrl);
  const client = startPatientClient(cluster.url, 60_000);
  const load = startLoad({
    client,
    jobs,
    open: options.open,
    most: options.most,
    random: randomStream(seed, 'people'),
    factsOf: (id) => factsOf(queue, store, id),
  });
  try {
    await client.ask('GET', '/v1/methods');
    const startedAt = performance.now();
    const stop = AbortSignal.timeout(minutes * 60_000);
    const loaded = new AbortController();
    const [injected, , collected] = await Promise.all([
      injectFaults(cluster, randomStream(seed, 'faults'), options, loaded.signal),
      load.run(stop, options.least.jobs).finally(() => loaded.abort()),
      collectOften(queue, store, loaded.signal),
    ]);
    const faultMinutes = (performance.now() - startedAt) / 60_000;
    for (const line of injected.log) log(line);
    await restore(cluster);
    log(`no more faults; waiting for ${load.states.size} jobs`);
    const open = await load.finish(options.patienceMs);
    const left = await cluster.stop();
    const unexpectedExits = [cluster.api, ...cluster.workers].flatMap((managed) => managed.unexpectedExits);
    const violations = [
      ...open.map((where) => ({ what: `the job has not succeeded within ${options.patienceMs} ms`, where })),
      ...left.map((what) => ({ what, where: 'processes' })),
      ...client.unexpected.map((what) => ({ what, where: 'API' })),
    ];
    const { found, facts, swept } = await inspect(cluster, storeUrl, queue, load, reference);
    violations.push(...found);
    if (violations.length > 0) await cluster.place.keep(join(folder, 'store-at-the-end'));
    return {
      minutes: faultMinutes,
      faults: injected.counts,
      controls: load.controls,
      accepted: new Set(load.answers.map(({ id }) => id)).size,
      deleted: load.deleted.length,
      states: tally([...load.states.values()]),
      ends: tally(facts.flatMap(earlierEnds)),
      stages: facts.reduce((sum, { view }) => sum + view.stages.length, 0),
      attempts: facts.flatMap(({ view }) => view.stages).reduce((sum, { attempt }) => sum + attempt, 0),
      answers: client.counts,
      collected,
      swept,
      unexpectedExits,
      violations,
      folder,
    };
  } finally {
    await queue.close();
    await cluster.close();
    await cluster.place.close();
  }
}

/** Collects artifacts of deleted jobs far more often than the API does, and without its margin of minutes. */
async function collectOften(queue: DistilleryQueue, store: Store, signal: AbortSignal): Promise<number> {
  let blobs = 0;
  while (!signal.aborted) {
    // Redis and the disk fail from time to time.
    const collected = await collectLeftovers(queue, store, { marginMs: 0 }).catch(() => undefined);
    blobs += collected?.blobs ?? 0;
    await delay(1000, undefined, { signal }).catch(() => {});
  }
  return blobs;
}

async function restore({ networks, place, redis, workers, api }: Cluster): Promise<void> {
  for (const { proxy } of networks) proxy.restore({ reset: true });
  redis.signal('SIGCONT');
  for (const managed of [api, ...workers]) managed.signal('SIGCONT');
  await place.disk?.free();
  await delay(500);
}

/** Checks jobs, indexes and the store at the end. */
async function inspect(
  cluster: Cluster,
  storeUrl: string,
  queue: DistilleryQueue,
  load: Load,
  reference: ReadonlyMap<string, Weights>,
) {
  // Opening a store removes incomplete files.
  const store = await openStore(storeUrl);
  // First, so that the checks below notice if it removes too much.
  const everything = new Date(Date.now() + 60_000);
  const swept = await sweepStore(queue, store, { before: everything, remove: true, force: true });
  const found: Violation[] = [];
  const there: JobFacts[] = [];
  for (const id of load.states.keys()) {
    const facts = await factsOf(queue, store, id).catch((error: Error) => {
      found.push({ what: `an accepted job cannot be read: ${error.message}`, where: id });
    });
    if (facts) there.push(facts);
  }
  const facts = [...there, ...load.deleted.map((job) => undamaged(job, cluster.damaged))];
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
  // The compile caches of Node and tsx stay on purpose.
  const temporary = (await readdir(cluster.tmpDir)).filter((name) => !/^(tsx-|node-)/.test(name));
  const named = new Set([...listed, ...there.flatMap(({ digests }) => Object.keys(digests))]);
  found.push(
    ...ofStore({
      // A manifest without a blob is the fence of an attempt.
      checkpoints: manifests.filter((name) => name.startsWith('jobs/') && listing.get(name)?.length !== 0),
      digests: await verified(store, listed),
      unfinished: [...(await cluster.place.unfinished()), ...temporary.map((name) => `tmp/${name}`)],
      unnamed: (await cluster.place.blobs()).filter((digest) => !named.has(digest)),
    }),
  );
  return { found, facts, swept };
}

/** A job that was deleted was not retried, which would have repaired what faults had damaged. */
function undamaged(job: JobFacts, damaged: ReadonlySet<string>): JobFacts {
  const digests = Object.entries(job.digests).filter(([digest]) => !damaged.has(digest));
  return { ...job, digests: Object.fromEntries(digests) };
}

/** Returns cancellations and failures of a job that was retried afterwards. */
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

/** Removes the folder of a run. */
export async function tidy({ folder }: ChaosOutcome): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}
