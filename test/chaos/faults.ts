import { setTimeout as delay } from 'node:timers/promises';
import type { RandomStream } from '@distillery/engine';
import type { Cluster } from './cluster.ts';

/** Something that goes wrong. */
interface Fault {
  name: string;
  /** How often it comes, beside the others. */
  share: number;
  /** Whether it can be done here. */
  possible?(cluster: Cluster): boolean;
  /** Does it and, in time, undoes it. False: there was nothing to do it to. */
  strike(cluster: Cluster, random: RandomStream): Promise<boolean>;
}

const milliseconds = (random: RandomStream, from: number, to: number) => from + random.below(to - from);
const one = <T>(items: readonly T[], random: RandomStream): T | undefined =>
  items[random.below(items.length)];

/** Sends it where the process is still there. */
function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** Numbers are drawn before anything is awaited: what a seed says does not depend on the time that things take. */
const faults: readonly Fault[] = [
  {
    name: 'trainer killed',
    share: 4,
    async strike(cluster, random) {
      const trainer = one(cluster.trainers(), random);
      return trainer !== undefined && send(trainer.pid, 'SIGKILL');
    },
  },
  {
    name: 'trainer frozen',
    share: 2,
    async strike(cluster, random) {
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
    async strike({ workers }, random) {
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
    async strike({ workers, trainers }, random) {
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
    name: 'worker told to leave',
    share: 1,
    async strike({ workers }, random) {
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
    async strike({ workers }, random) {
      const ms = milliseconds(random, 1000, 10_000);
      const worker = one(workers, random);
      const pid = worker?.pid();
      if (pid === undefined || !send(pid, 'SIGSTOP')) return false;
      await delay(ms);
      // Another one may have taken its place.
      send(pid, 'SIGCONT');
      return true;
    },
  },
  {
    name: 'API killed',
    share: 2,
    async strike({ api }, random) {
      const ms = milliseconds(random, 50, 2000);
      if (api.pid() === undefined) return false;
      await api.end('SIGKILL', ms);
      return true;
    },
  },
  {
    name: 'API frozen',
    share: 1,
    async strike({ api }, random) {
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
    async strike({ redis }, random) {
      await redis.crash(milliseconds(random, 50, 3000));
      return true;
    },
  },
  {
    name: 'Redis frozen',
    share: 1,
    async strike({ redis }, random) {
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
    async strike({ networks }, random) {
      const ms = milliseconds(random, 1, 5000);
      const network = one(networks, random);
      network?.proxy.cut();
      await delay(ms);
      network?.proxy.restore({ reset: true });
      return true;
    },
  },
  {
    name: 'network swallows',
    share: 2,
    async strike({ networks }, random) {
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
    possible: ({ disk }) => disk !== undefined,
    async strike({ disk }, random) {
      const ms = milliseconds(random, 500, 4000);
      await disk?.fill();
      await delay(ms);
      await disk?.free();
      return true;
    },
  },
];

export interface Injected {
  /** By name. */
  counts: Record<string, number>;
  /** What was done when, for the log. */
  log: string[];
}

/**
 * Disturbs until the signal aborts, then waits until all is undone. Faults come from a deck that holds each as often as
 * its share says, shuffled anew when it is used up; up to three overlap.
 *
 * @param pauseMs from, to: between two faults
 */
export async function disturb(
  cluster: Cluster,
  random: RandomStream,
  pauseMs: readonly [number, number],
  signal: AbortSignal,
): Promise<Injected> {
  const injected: Injected = { counts: {}, log: [] };
  const running = new Set<Promise<void>>();
  const deck = faults
    .filter(({ possible }) => possible?.(cluster) ?? true)
    .flatMap((fault) => Array.from({ length: fault.share }, () => fault));
  // The first of each kind comes before the second of any.
  let drawn = random.shuffle(deck.filter((fault, index) => deck.indexOf(fault) === index));
  while (!signal.aborted) {
    const fault = drawn.pop();
    if (fault === undefined) {
      drawn = random.shuffle([...deck]);
      continue;
    }
    const at = new Date().toISOString();
    const work = fault.strike(cluster, random).then((done) => {
      if (done) injected.counts[fault.name] = (injected.counts[fault.name] ?? 0) + 1;
      injected.log.push(`${at} ${fault.name}${done ? '' : ': nothing to do it to'}`);
    });
    running.add(work);
    void work.finally(() => running.delete(work));
    await delay(milliseconds(random, ...pauseMs), undefined, { signal }).catch(() => {});
    while (running.size >= 3) await Promise.race(running);
  }
  await Promise.all(running);
  return injected;
}
