import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startPrivateRedis } from '@distillery/queue';
import type { JobSpecInput, JobView } from '@distillery/spec';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test, vi } from 'vitest';
import { type Service, startService, trainers, workerModule } from './testing/service.ts';

/** For tests that leave its worker running. */
let service: Service;
beforeAll(async () => {
  service = await startService();
}, 60_000);
afterAll(() => service.close(), 60_000);

/** A teacher that trains for seconds, so that a test can interrupt it, and one student. */
function spec(changes: Partial<JobSpecInput> = {}): JobSpecInput {
  return {
    dataset: { source: 'shapes', trainCount: 1000, testCount: 100 },
    teacher: { architecture: { type: 'lightnn', dropout: 0.3 } },
    students: [
      {
        name: 'soft',
        architecture: { type: 'lightnn' },
        method: [{ type: 'soft_target' }, { type: 'cross_entropy' }],
        training: { epochs: 1 },
      },
    ],
    baseline: false,
    training: { epochs: 10, batchSize: 45, augmentation: { type: 'flip' } },
    ...changes,
  };
}

async function until<T>(look: () => Promise<T | undefined>, milliseconds = 150_000): Promise<T> {
  for (const end = Date.now() + milliseconds; Date.now() < end; await delay(50)) {
    const found = await look();
    if (found !== undefined) return found;
  }
  throw new Error('the condition was not met in time');
}

const teacherOf = ({ stages }: JobView) => stages[0];

/** Waits for the third epoch of the teacher. */
function inTheMiddle(id: string, { client } = service) {
  return until(async () => {
    const { progress } = teacherOf(await client.jobs.get(id));
    return progress !== null && progress.epoch >= 2 && progress.step < progress.steps - 20
      ? progress
      : undefined;
  });
}

function end(id: string, { client } = service) {
  return until(async () => {
    const job = await client.jobs.get(id);
    return ['succeeded', 'failed', 'cancelled'].includes(job.state) ? job : undefined;
  });
}

/** Cancels a job and waits until its trainer has ended, so that the next test finds only its own. */
async function cancel(id: string) {
  await service.client.jobs.cancel(id);
  expect(await end(id)).toMatchObject({ state: 'cancelled' });
}

describe('a trainer that hangs', () => {
  test('is killed, and its stage continues from the last checkpoint', { timeout: 300_000 }, async () => {
    const watched = await startService({ stallSeconds: 20 });
    try {
      const { id } = await watched.client.jobs.create(spec());
      await until(async () => {
        const { progress } = teacherOf(await watched.client.jobs.get(id));
        return progress !== null && progress.epoch >= 2 ? progress : undefined;
      });
      // It neither trains nor handles messages.
      for (const pid of await trainers()) process.kill(pid, 'SIGSTOP');
      const second = await until(async () => {
        const { state, attempt } = teacherOf(await watched.client.jobs.get(id));
        return attempt === 2 && state === 'running' ? state : undefined;
      });
      expect(second).toBe('running');
      const events = await watched.queue.events.read(id);
      expect(events).toContainEqual(
        expect.objectContaining({
          stage: 'teacher',
          state: 'queued',
          reason: expect.objectContaining({ code: 'stalled' }),
        }),
      );
      const { metrics: rows } = await until(async () => {
        const page = await watched.client.jobs.metrics(id, { stage: 'teacher', limit: 10000 }).page();
        return page.metrics.some(({ attempt }) => attempt === 2) ? page : undefined;
      });
      expect(rows.find(({ attempt }) => attempt === 2)?.epoch).toBeGreaterThan(1);
      await watched.client.jobs.cancel(id);
    } finally {
      await watched.close();
    }
  });
});

describe('a trainer that ends by itself', () => {
  /** Returns the event that ended the first attempt of the teacher. */
  async function firstEnd(id: string) {
    const [event] = await until(async () => {
      const events = await service.queue.events.read(id);
      const ends = events.filter((e) => e.type === 'stage' && e.stage === 'teacher' && e.reason !== null);
      return ends.length > 0 ? ends : undefined;
    });
    return event;
  }

  test('in native code is a crash, and its stage is retried', { timeout: 120_000 }, async () => {
    const { id } = await service.client.jobs.create(spec());
    await inTheMiddle(id);
    for (const pid of await trainers()) process.kill(pid, 'SIGSEGV');
    expect(await firstEnd(id)).toMatchObject({
      state: 'queued',
      reason: { code: 'trainer_crashed', message: expect.stringContaining('by SIGSEGV') },
    });
    await until(async () => teacherOf(await service.client.jobs.get(id)).attempt === 2 || undefined);
    await cancel(id);
  });

  // The limit (RLIMIT_DATA, setrlimit(2)) leaves enough memory for the data, but too little for the weights.
  test.skipIf(process.platform !== 'linux')(
    'because memory runs out reports out_of_memory, and its stage is retried',
    { timeout: 120_000 },
    async () => {
      const architecture = { type: 'mlp', hidden: [16_384, 16_384] } as const;
      const { id } = await service.client.jobs.create(spec({ teacher: { architecture } }));
      const pid = await until(async () => {
        const [trainer] = await trainers();
        const maps = trainer === undefined ? '' : await readFile(`/proc/${trainer}/maps`, 'utf8');
        return maps.includes('libtensorflow') ? trainer : undefined;
      });
      const status = await readFile(`/proc/${pid}/status`, 'utf8');
      const data = 1024 * Number(/VmData:\s+(\d+) kB/.exec(status)?.[1]);
      await promisify(execFile)('prlimit', ['--pid', String(pid), `--data=${data + 2 ** 30}`]);
      expect(await firstEnd(id)).toMatchObject({
        state: 'queued',
        reason: { code: 'out_of_memory', message: expect.stringContaining('ran out of memory: ') },
      });
      await cancel(id);
    },
  );
});

describe('a worker that ends', () => {
  let own: Service;
  beforeEach(async () => {
    own = await startService();
  }, 60_000);
  afterEach(() => own.close(), 60_000);

  test('hands its stage back, and another worker finishes it', { timeout: 300_000 }, async () => {
    const { id } = await own.client.jobs.create(spec());
    await inTheMiddle(id, own);
    await own.workers[0].close();
    const left = teacherOf(await own.client.jobs.get(id));
    expect(left.state).toBe('queued');
    expect(await trainers()).toEqual([]);
    const { startWorker } = await workerModule();
    const other = await startWorker({
      redisUrl: own.redisUrl,
      store: join(own.folder, 'store'),
      dataDir: join(own.folder, 'data'),
      roots: [],
      log: pino({ level: 'silent' }),
      version: 'test',
    });
    own.workers[0] = other;
    const job = await end(id, own);
    expect(job).toMatchObject({ state: 'succeeded' });
    expect(teacherOf(job).worker).toBe(other.id);
    expect(teacherOf(job).attempt).toBe(2);
  });

  test('by SIGKILL leaves no trainer behind', { timeout: 300_000 }, async () => {
    await own.workers[0].close();
    const main = join(inject('built'), 'apps/worker/source/main.js');
    const worker = spawn(process.execPath, [main], {
      stdio: 'ignore',
      env: {
        ...process.env,
        REDIS_URL: own.redisUrl,
        STORE_DIR: join(own.folder, 'store'),
        DATA_DIR: join(own.folder, 'data'),
      },
    });
    try {
      const { id } = await own.client.jobs.create(spec());
      await inTheMiddle(id, own);
      const [trainer] = await trainers(worker.pid);
      expect(trainer).toBeGreaterThan(0);
      worker.kill('SIGKILL');
      await once(worker, 'exit');
      await until(async () => {
        try {
          process.kill(trainer, 0);
          return undefined;
        } catch {
          return true;
        }
      }, 15_000);
    } finally {
      worker.kill('SIGKILL');
    }
  });
});

test('a worker that is stopped while Redis is frozen ends within its grace period', {
  timeout: 120_000,
}, async () => {
  const redis = await startPrivateRedis();
  const main = join(inject('built'), 'apps/worker/source/main.js');
  const worker = spawn(process.execPath, [main], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: {
      ...process.env,
      REDIS_URL: redis.url,
      STORE_DIR: join(service.folder, 'store'),
      DATA_DIR: join(service.folder, 'data'),
      GRACE_SECONDS: '2',
    },
  });
  let log = '';
  worker.stdout.on('data', (chunk: Buffer) => (log += chunk.toString()));
  try {
    await until(async () => log.includes('worker ready') || undefined);
    process.kill(redis.pid, 'SIGSTOP');
    worker.kill('SIGTERM');
    const [code] = await Promise.race([once(worker, 'exit'), delay(30_000, ['still running'])]);
    expect(code).toBe(1);
    expect(log).toContain('was not handed back within 2 s');
  } finally {
    worker.kill('SIGKILL');
    process.kill(redis.pid, 'SIGCONT');
    await redis.stop();
  }
});

describe('a job that cannot succeed', () => {
  test('fails with timeout past its limit', { timeout: 60_000 }, async () => {
    const { id } = await service.client.jobs.create(
      spec({ training: { epochs: 5000 }, limits: { maxDurationSeconds: 4 } }),
    );
    const job = await end(id);
    expect(job).toMatchObject({ state: 'failed', reason: { code: 'timeout', stage: 'teacher' } });
    expect(teacherOf(job).attempt).toBe(1);
    expect(await trainers()).toEqual([]);
  });

  test('fails with nan when training diverges, naming the term', { timeout: 60_000 }, async () => {
    // Each step multiplies every weight by −999, whatever the gradient: float32 overflows within the first epochs.
    const optimizer = { type: 'sgd', learningRate: 100, weightDecay: 10 } as const;
    const { id } = await service.client.jobs.create(spec({ training: { epochs: 5, optimizer } }));
    const job = await end(id);
    expect(job).toMatchObject({ state: 'failed', reason: { code: 'nan', stage: 'teacher' } });
    expect(job.reason?.message).toMatch(/^cross_entropy is (NaN|Infinity) at step \d+ \(epoch \d+\)/);
    expect(job.stages.slice(1).map(({ state }) => state)).toEqual(['cancelled', 'cancelled', 'cancelled']);
  });
});

test('a worker with two trainers trains two students at once, on half of the threads each', {
  timeout: 300_000,
}, async () => {
  // The tests' own setting would override the shares.
  vi.stubEnv('TF_NUM_INTRAOP_THREADS', undefined);
  const pair = await startService({ trainers: 2 });
  try {
    const method = [{ type: 'soft_target' }, { type: 'cross_entropy' }];
    const { job, report } = await pair.complete(
      spec({
        dataset: { source: 'shapes', trainCount: 400, testCount: 50 },
        teacher: { architecture: { type: 'lightnn' }, training: { epochs: 1 } },
        students: ['one', 'two'].map((name) => ({ name, architecture: { type: 'lightnn' }, method })),
      }),
    );
    const [one, two] = job.stages.filter(({ kind }) => kind === 'student');
    const [begun, ended] = [
      [one, two].map((s) => s.startedAt ?? ''),
      [one, two].map((s) => s.finishedAt ?? ''),
    ];
    expect(begun.toSorted()[1] < ended.toSorted()[0], JSON.stringify([one, two])).toBe(true);
    // The other engines always compute on one thread.
    const all = report.teachers[0].engine.name === 'native' ? availableParallelism() : 1;
    const threads = Math.max(1, Math.floor(all / 2));
    expect(report.students.map(({ runs }) => runs[0].engine.threads)).toEqual([threads, threads]);
    expect(report.teachers[0].engine.threads).toBe(all);
  } finally {
    vi.unstubAllEnvs();
    await pair.close();
  }
});
