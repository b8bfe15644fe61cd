import type { NewSkippedData, StageRun } from '@distillery/queue';
import type { LogLine, SavedCheckpoint } from '@distillery/spec';
import { expect, test } from 'vitest';
import { createReporter } from './reporter.ts';

/** A run whose writes wait until they are let through, as they do while Redis is away. */
function heldRun() {
  let open = () => {};
  const opened = new Promise<void>((done) => (open = done));
  const steps: number[] = [];
  const batches: number[] = [];
  const warnings: string[] = [];
  const told: number[] = [];
  const skipped: NewSkippedData[] = [];
  const checkpoints: SavedCheckpoint[] = [];
  const lines: LogLine[] = [];
  const run: Pick<StageRun, 'metrics' | 'progress' | 'warning' | 'skipped' | 'checkpoint' | 'log'> = {
    async metrics(rows) {
      await opened;
      batches.push(rows.length);
      steps.push(...rows.map(({ step }) => step));
    },
    async progress({ step }) {
      await opened;
      told.push(step);
    },
    async warning(message) {
      await opened;
      warnings.push(message);
    },
    async skipped(data) {
      await opened;
      skipped.push(data);
    },
    async checkpoint(saved) {
      await opened;
      checkpoints.push(saved);
    },
    async log(some) {
      await opened;
      lines.push(...some);
    },
  };
  const landed = { steps, batches, warnings, told, skipped, checkpoints, lines };
  return { run: run as StageRun, open, ...landed };
}

const row = (step: number) => ({
  type: 'metrics' as const,
  row: { epoch: 1, step, time: '', values: {} },
});
const progress = (step: number) => ({
  type: 'progress' as const,
  progress: {
    phase: 'training' as const,
    fraction: 0,
    epoch: 1,
    epochs: 1,
    step,
    steps: 9,
    loss: null,
    samplesPerSecond: null,
  },
});

test('what is reported while nothing can be written lands once, in order', async () => {
  const { run, open, ...landed } = heldRun();
  const reporter = createReporter(run, (error) => expect.unreachable(String(error)));
  for (let step = 1; step <= 5000; step++) {
    reporter.report(row(step));
    reporter.report(progress(step));
    if (step === 2000) void reporter.flush();
  }
  reporter.report({ type: 'warning', message: 'mind the gap' });
  const flushed = reporter.flush();
  open();
  await flushed;
  expect(landed.steps).toEqual(Array.from({ length: 5000 }, (_, i) => i + 1));
  expect(Math.max(...landed.batches)).toBe(1000);
  // Newer progress has replaced older.
  expect(landed.told).toEqual([2000, 5000]);
  expect(landed.warnings).toEqual(['mind the gap']);
});

test('of very many waiting rows every other is left out, the oldest most, and that is said', async () => {
  const { run, open, ...landed } = heldRun();
  const reporter = createReporter(run, (error) => expect.unreachable(String(error)));
  const all = 250_000;
  for (let step = 1; step <= all; step++) {
    reporter.report(row(step));
    reporter.report({ type: 'warning', message: `warning ${step}` });
  }
  open();
  await reporter.flush();
  const { steps, warnings } = landed;
  expect(steps).toHaveLength(50_000);
  expect(steps.at(-1)).toBe(all);
  const gaps = steps.slice(1).map((step, i) => step - steps[i]);
  // Four times there were 100,000.
  expect([...new Set(gaps)]).toEqual([16, 8, 4, 2]);
  expect(warnings).toHaveLength(1001);
  expect(warnings.at(-1)).toBe(
    `${all - steps.length} rows of metrics were left out: Redis could not be written to for too long`,
  );
});

test('a write that is refused is told, and ends it', async () => {
  const told: unknown[] = [];
  const refused = new Error('overtaken');
  const run = { ...heldRun().run, metrics: () => Promise.reject(refused) };
  const reporter = createReporter(run, (error) => told.push(error));
  reporter.report(row(1));
  await reporter.flush();
  expect(told).toEqual([refused]);
});

const line = (message: string, level: 'info' | 'error' = 'info') => ({
  type: 'log' as const,
  line: { source: 'trainer' as const, level, message },
});

test('skipped data and the newest checkpoint are written', async () => {
  const { run, open, ...landed } = heldRun();
  const reporter = createReporter(run, (error) => expect.unreachable(String(error)));
  const data = { digest: 'd', count: 1, samples: [] };
  reporter.report({ type: 'skipped', data });
  for (const step of [1, 2, 3]) reporter.report({ type: 'checkpoint', saved: { step, bytes: 10 } });
  open();
  await reporter.flush();
  expect(landed.skipped).toEqual([data]);
  expect(landed.checkpoints).toEqual([{ step: 3, bytes: 10 }]);
});

test('of an attempt 500 lines are written, and after them errors alone', async () => {
  const { run, open, ...landed } = heldRun();
  const reporter = createReporter(run, (error) => expect.unreachable(String(error)));
  open();
  for (let i = 1; i <= 800; i++) {
    reporter.report(line(`${i}`));
    if (i % 100 === 0) await reporter.flush();
  }
  for (let i = 1; i <= 800; i++) reporter.report(line(`error ${i}`, 'error'));
  await reporter.flush();
  const lines = landed.lines.map(({ message }) => message);
  expect(lines.slice(0, 500)).toEqual(Array.from({ length: 500 }, (_, i) => `${i + 1}`));
  expect(lines[500]).toBe("further lines below the level error are in the worker's own log alone");
  expect(lines.slice(501)).toEqual(Array.from({ length: 500 }, (_, i) => `error ${i + 1}`));
});
