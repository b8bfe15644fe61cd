import { setTimeout as delay } from 'node:timers/promises';
import type { RandomStream } from '@distillery/engine';
import type { Fault as RequestFault } from '@distillery/store/testing';
import type { Cluster } from './cluster.ts';

/** A kind of fault. */
interface Fault {
  name: string;
  /** How often it happens, relative to the others. */
  share: number;
  /** Whether this machine allows it; default: yes. */
  possible?(cluster: Cluster): boolean;
  /** Causes the fault and later ends it. Returns false if there was no target. */
  inject(cluster: Cluster, random: RandomStream): Promise<boolean>;
}

const milliseconds = (random: RandomStream, from: number, to: number) => from + random.below(to - from);
const one = <T>(items: readonly T[], random: RandomStream): T | undefined =>
  items[random.below(items.length)];

/** Sends a signal; false if the process has ended. */
function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** What goes wrong with a share of the requests to a bucket, for at most so many ms. */
const bucketFaults: readonly {
  name: string;
  share: number;
  kinds: readonly RequestFault[];
  longest: number;
}[] = [
  { name: 'refuses', share: 1, kinds: ['refused'], longest: 4000 },
  { name: 'cuts connections', share: 0.3, kinds: ['cut before', 'cut after', 'cut within'], longest: 8000 },
  { name: 'stalls', share: 0.1, kinds: ['stalled'], longest: 8000 },
];

/** Random numbers are read before anything is awaited, so that they depend on the seed and not on timing. */
const faults: readonly Fault[] = [
  {
    name: 'trainer killed',
    share: 4,
    async inject(cluster, random) {
      const trainer = one(cluster.trainers(), random);
      return trainer !== undefined && send(trainer.pid, 'SIGKILL');
    },
  },
  {
    name: 'trainer frozen',
    share: 2,
    async inject(cluster, random) {
      const ms = milliseconds(random, 500, 14_000);
      const trainer = one(cluster.trainers(), random);
      if (trainer === undefined || !send(trainer.pid, 'SIGSTOP')) return false;
      await delay(ms);
      send(trainer.pid, 'SIGCONT');
      return true;
    },
  },
  {
    name: 'worker killed',
    share: 3,
    async inject({ workers }, random) {
      const ms = milliseconds(random, 100, 3000);
      const worker = one(workers, random);
      if (worker?.pid() === undefined) return false;
      await worker.end('SIGKILL', ms);
      return true;
    },
  },
  {
    name: 'worker killed, its trainer frozen',
    share: 1,
    async inject({ workers, trainers }, random) {
      const ms = milliseconds(random, 1000, 8000);
      const worker = one(workers, random);
      const pid = worker?.pid();
      const trainer = trainers().find(({ parent }) => parent === pid);
      if (worker === undefined || trainer === undefined || !send(trainer.pid, 'SIGSTOP')) return false;
      await worker.end('SIGKILL', ms / 2);
      await delay(ms);
      send(trainer.pid, 'SIGCONT');
      return true;
    },
  },
  {
    name: 'worker stopped',
    share: 1,
    async inject({ workers }, random) {
      const ms = milliseconds(random, 100, 2000);
      const worker = one(workers, random);
      if (worker?.pid() === undefined) return false;
      await worker.end('SIGTERM', ms);
      return true;
    },
  },
  {
    name: 'worker frozen',
    share: 3,
    async inject({ workers }, random) {
      const ms = milliseconds(random, 1000, 10_000);
      const worker = one(workers, random);
      const pid = worker?.pid();
      if (pid === undefined || !send(pid, 'SIGSTOP')) return false;
      await delay(ms);
      // The process may have been replaced meanwhile.
      send(pid, 'SIGCONT');
      return true;
    },
  },
  {
    name: 'API killed',
    share: 2,
    async inject({ api }, random) {
      const ms = milliseconds(random, 50, 2000);
      if (api.pid() === undefined) return false;
      await api.end('SIGKILL', ms);
      return true;
    },
  },
  {
    name: 'API frozen',
    share: 1,
    async inject({ api }, random) {
      const ms = milliseconds(random, 500, 5000);
      const pid = api.pid();
      if (pid === undefined || !send(pid, 'SIGSTOP')) return false;
      await delay(ms);
      send(pid, 'SIGCONT');
      return true;
    },
  },
  {
    name: 'Redis killed',
    share: 2,
    async inject({ redis }, random) {
      await redis.crash(milliseconds(random, 50, 3000));
      return true;
    },
  },
  {
    name: 'Redis frozen',
    share: 1,
    async inject({ redis }, random) {
      const ms = milliseconds(random, 500, 6000);
      redis.signal('SIGSTOP');
      await delay(ms);
      redis.signal('SIGCONT');
      return true;
    },
  },
  {
    name: 'network cut',
    share: 2,
    async inject({ networks }, random) {
      const ms = milliseconds(random, 1, 5000);
      const network = one(networks, random);
      network?.proxy.cut();
      await delay(ms);
      network?.proxy.restore({ reset: true });
      return true;
    },
  },
  {
    name: 'network drops packets',
    share: 2,
    async inject({ networks }, random) {
      const ms = milliseconds(random, 1000, 9000);
      const network = one(networks, random);
      network?.proxy.cut({ halfOpen: true });
      await delay(ms);
      network?.proxy.restore({ reset: true });
      return true;
    },
  },
  {
    name: 'disk full',
    share: 2,
    possible: ({ place }) => place.disk !== undefined,
    async inject({ place: { disk } }, random) {
      const ms = milliseconds(random, 500, 4000);
      await disk?.fill();
      await delay(ms);
      await disk?.free();
      return true;
    },
  },
  ...bucketFaults.map(
    ({ name, share, kinds, longest }): Fault => ({
      name: `bucket ${name}`,
      share: 2,
      possible: ({ place }) => place.fail !== undefined,
      async inject({ place }, random) {
        const ms = milliseconds(random, 500, longest);
        const end = place.fail?.(share, kinds);
        await delay(ms);
        end?.();
        return true;
      },
    }),
  ),
  ...(['blobs', 'manifests'] as const).flatMap((kind): Fault[] => [
    {
      name: `bit flipped in ${kind}`,
      share: 3,
      async inject({ place, damaged }, random) {
        const [pick, position] = [random.uniform(), random.uniform()];
        const item = await place.item(kind, pick);
        if (item === undefined) return false;
        damaged.add(item.name);
        return await item.flip(position);
      },
    },
    {
      name: `${kind} deleted`,
      share: 3,
      async inject({ place, damaged }, random) {
        const item = await place.item(kind, random.uniform());
        if (item === undefined) return false;
        damaged.add(item.name);
        return await item.remove();
      },
    },
  ]),
];

export interface Injected {
  /** The number of faults by name. */
  counts: Record<string, number>;
  /** A line for each fault, with its time. */
  log: string[];
}

/**
 * Injects faults until the signal aborts, then waits until all have ended. Each fault happens once, in random order; then
 * they come from a shuffled list that contains each as often as its share. Up to three overlap.
 *
 * @param pauseMs the shortest and the longest pause between two faults
 */
export async function injectFaults(
  cluster: Cluster,
  random: RandomStream,
  { pauseMs, least }: { pauseMs: readonly [number, number]; least: { faults: number } },
  signal: AbortSignal,
): Promise<Injected> {
  const injected: Injected = { counts: {}, log: [] };
  const running = new Set<Promise<void>>();
  const pool = faults
    .filter(({ possible }) => possible?.(cluster) ?? true)
    .flatMap((fault) => Array.from({ length: fault.share }, () => fault));
  // Every kind happens once before any happens twice.
  let next = random.shuffle(pool.filter((fault, index) => pool.indexOf(fault) === index));
  const count = () => Object.values(injected.counts).reduce((sum, one) => sum + one, 0);
  while (!signal.aborted || count() < least.faults) {
    const fault = next.pop();
    if (fault === undefined) {
      next = random.shuffle([...pool]);
      continue;
    }
    const at = new Date().toISOString();
    const work = fault.inject(cluster, random).then((done) => {
      if (done) injected.counts[fault.name] = (injected.counts[fault.name] ?? 0) + 1;
      injected.log.push(`${at} ${fault.name}${done ? '' : ': no target'}`);
    });
    running.add(work);
    void work.finally(() => running.delete(work));
    await delay(milliseconds(random, ...pauseMs));
    while (running.size >= 3) await Promise.race(running);
  }
  await Promise.all(running);
  return injected;
}
