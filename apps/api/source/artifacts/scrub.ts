import { type DistilleryQueue, timeOfJobId } from '@distillery/queue';
import { maxScrubFindings, type ScrubFinding, type ScrubReport, type StagePlan } from '@distillery/spec';
import { type Store, verifyContent } from '@distillery/store';
import { artifactsOf } from '@distillery/training';
import { blobsIn, ifJobExists } from './named.ts';
import { otherServices, ownManifest, servicesFolder } from './services.ts';

const mostNames = 10;
/** A service registers with its store when it starts, which may be a little after its first job. */
const registrationMs = 60_000;

/** The jobs and manifests that name a blob or a manifest, some of each. */
interface Names {
  jobs: Set<string>;
  manifests: Set<string>;
}

/** What a scrub does beside looking. */
export type ScrubChoice = Pick<ScrubReport, 'remove' | 'content'>;

/** Returns the report of a scrub that begins now. */
export function newScrub({ remove, content }: ScrubChoice): ScrubReport {
  return {
    state: 'running',
    remove,
    content,
    startedAt: new Date().toISOString(),
    finishedAt: null,
    jobs: 0,
    artifacts: 0,
    services: 0,
    newStore: false,
    blobs: 0,
    bytes: 0,
    totalBytes: 0,
    manifests: 0,
    damaged: 0,
    missing: 0,
    removed: 0,
    findings: [],
    error: null,
  };
}

/**
 * Reads every manifest and every blob of a store, compares each with its digest, and looks for those that jobs or manifests
 * name and that are missing; or only looks which of them are there. Blobs are streamed, so memory holds only names, and the event loop is blocked for the digest of
 * one chunk at a time.
 *
 * @param report is filled while the scrub runs
 * @throws DistilleryError `store_unavailable`, `redis_unavailable`, `unsupported_job`; the signal's reason once it aborts
 */
export async function scrubStore(
  queue: DistilleryQueue,
  store: Store,
  report: ScrubReport,
  signal: AbortSignal,
): Promise<void> {
  // What is stored from now on is right, also where it repairs a file that is found damaged.
  const before = await store.now();
  const everything = new Date(8.64e15);
  const blobs = new Map<string, Names>();
  const manifests = new Map<string, Names>();
  let oldestJob = Number.POSITIVE_INFINITY;
  report.services = (await otherServices(queue, store)).length;
  for await (const { size } of store.blobs(everything)) report.totalBytes += size;
  await readJobs();
  const { since } = (await store.manifest(await ownManifest(queue))) as { since?: string };
  report.newStore = since !== undefined && Date.parse(since) > oldestJob + registrationMs;
  await readManifests();
  report.artifacts = blobs.size + manifests.size;
  const seen = new Set<string>();
  for await (const { digest, size } of store.blobs(everything)) {
    signal.throwIfAborted();
    seen.add(digest);
    const intact = !report.content || (await verifyContent(store, digest, signal));
    report.blobs++;
    report.bytes += size;
    if (intact) continue;
    // Removed meanwhile.
    if ((await store.stat(digest)) === undefined) continue;
    const removed = report.remove && (await removal(() => store.remove(digest, before)));
    found({ kind: 'blob', name: digest, fault: 'damaged', removed, ...named(blobs, digest) });
  }
  for (const digest of blobs.keys()) {
    if (seen.has(digest) || (await store.stat(digest)) !== undefined) continue;
    // Trainers replace checkpoints at any time, also between the copies of manifests and blobs in a backup.
    if (!report.content && isCheckpoint(named(blobs, digest))) continue;
    found({ kind: 'blob', name: digest, fault: 'missing', removed: false, ...named(blobs, digest) });
  }

  async function readJobs(): Promise<void> {
    for await (const { id } of queue.inventory.heads()) {
      signal.throwIfAborted();
      report.jobs++;
      oldestJob = Math.min(oldestJob, timeOfJobId(id));
      const results = await queue.jobs.results(id);
      const plan = queue.jobs.plan(id).then(({ stages }) => stages);
      for (const stage of await ifJobExists<readonly StagePlan[]>(plan, [])) {
        if (results[stage.id] === undefined) continue;
        const artifacts = artifactsOf(stage, results[stage.id]);
        for (const digest of artifacts.blobs) note(blobs, digest, 'jobs', id);
        for (const name of artifacts.manifests ?? []) note(manifests, name, 'jobs', id);
      }
    }
  }

  async function readManifests(): Promise<void> {
    const there = new Set<string>();
    for (const name of await store.list('')) {
      signal.throwIfAborted();
      if (name.startsWith(`${servicesFolder}/`)) continue;
      there.add(name);
      report.manifests++;
      if ((await store.manifest(name)) === undefined) {
        const removed = report.remove && (await removal(() => store.removeManifest(name, before)));
        found({ kind: 'manifest', name, fault: 'damaged', removed, ...named(manifests, name) });
        continue;
      }
      for (const digest of await blobsIn(store, name)) {
        note(blobs, digest, 'manifests', name);
        for (const id of manifests.get(name)?.jobs ?? []) note(blobs, digest, 'jobs', id);
      }
    }
    for (const name of manifests.keys()) {
      if (there.has(name) || (await store.manifest(name)) !== undefined) continue;
      found({ kind: 'manifest', name, fault: 'missing', removed: false, ...named(manifests, name) });
    }
  }

  /** Damaged files stay while a backup holds the store. */
  async function removal(work: () => Promise<boolean>): Promise<boolean> {
    return (await queue.hold.unless(work)) ?? false;
  }

  function found(finding: ScrubFinding): void {
    report[finding.fault]++;
    if (finding.removed) report.removed++;
    if (report.findings.length < maxScrubFindings) report.findings.push(finding);
  }
}

/** Whether only checkpoints of stages that run name a blob: without it such a stage goes on from another one, or begins again. */
function isCheckpoint({ jobs, manifests }: { jobs: string[]; manifests: string[] }): boolean {
  return jobs.length === 0 && manifests.every((name) => name.startsWith('jobs/'));
}

function note(all: Map<string, Names>, name: string, which: keyof Names, by: string): void {
  const names = all.get(name) ?? { jobs: new Set(), manifests: new Set() };
  if (names[which].size < mostNames) names[which].add(by);
  all.set(name, names);
}

function named(all: ReadonlyMap<string, Names>, name: string): { jobs: string[]; manifests: string[] } {
  const { jobs, manifests } = all.get(name) ?? { jobs: [], manifests: [] };
  return { jobs: [...jobs], manifests: [...manifests] };
}
