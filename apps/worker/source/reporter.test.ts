import type { NewSkippedData, StageRun } from '@distillery/queue';
import type { LogLine, SavedCheckpoint } from '@distillery/spec';
import { expect, test } from 'vitest';
import { createReporter } from './reporter.ts';

/** A run whose writes wait until `open` is called, as they do while Redis is unreachable. */
function heldRun() {
  let open = () => {};
  const opened = new Promise<void>((done) => (open = done));
  const steps: number[] = [];
  const batches: number[] = [];
  const warnings: string[] = [];
  const received: number[] = [];
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
      received.push(step);
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
  const written = { steps, batches, warnings, received, skipped, checkpoints, lines };
  return { run: run as StageRun, open, ...written };
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

test('reports that wait are written once, in order', async () => {
  const { run, open, ...written } = heldRun();
  const reporter = createReporter(run, (error) => expect.unreachable(String(error)));
  for (let step = 1; step <= 5000; step++) {
    reporter.report(row(step));
    reporter.report(progress(step));
    if (step === 2000) void reporter.flush();
  }
  reporter.report({ type: 'warning', message: 'clipped gradients' });
  const flushed = reporter.flush();
  open();
  await flushed;
  expect(written.steps).toEqual(Array.from({ length: 5000 }, (_, i) => i + 1));
  expect(Math.max(...written.batches)).toBe(1000);
  // Newer progress has replaced older.
  expect(written.received).toEqual([2000, 5000]);
  expect(written.warnings).toEqual(['clipped gradients']);
});

test('of too many waiting rows every other is dropped, the oldest first, with a warning', async () => {
  const { run, open, ...written } = heldRun();
  const reporter = createReporter(run, (error) => expect.unreachable(String(error)));
  const all = 250_000;
  for (let step = 1; step <= all; step++) {
    reporter.report(row(step));
    reporter.report({ type: 'warning', message: `warning ${step}` });
  }
  open();
  await reporter.flush();
  const { steps, warnings } = written;
  expect(steps).toHaveLength(50_000);
  expect(steps.at(-1)).toBe(all);
  const gaps = steps.slice(1).map((step, i) => step - steps[i]);
  // The limit of 100,000 was reached four times.
  expect([...new Set(gaps)]).toEqual([16, 8, 4, 2]);
  expect(warnings).toHaveLength(1001);
  expect(warnings.at(-1)).toBe(
    `${all - steps.length} rows of metrics were dropped, because Redis was unreachable or full for too long`,
  );
});

test('a refused write is passed to onError, and ends the flush', async () => {
  const received: unknown[] = [];
  const refused = new Error('overtaken');
  const run = { ...heldRun().run, metrics: () => Promise.reject(refused) };
  const reporter = createReporter(run, (error) => received.push(error));
  reporter.report(row(1));
  await reporter.flush();
  expect(received).toEqual([refused]);
});

const line = (message: string, level: 'info' | 'error' = 'info') => ({
  type: 'log' as const,
  line: { source: 'trainer' as const, level, message },
});

test('skipped data and the newest checkpoint are written', async () => {
  const { run, open, ...written } = heldRun();
  const reporter = createReporter(run, (error) => expect.unreachable(String(error)));
  const data = { digest: 'd', count: 1, samples: [] };
  reporter.report({ type: 'skipped', data });
  for (const step of [1, 2, 3]) reporter.report({ type: 'checkpoint', saved: { step, bytes: 10 } });
  open();
  await reporter.flush();
  expect(written.skipped).toEqual([data]);
  expect(written.checkpoints).toEqual([{ step: 3, bytes: 10 }]);
});

test('500 lines of an attempt are written, then only errors', async () => {
  const { run, open, ...written } = heldRun();
  const reporter = createReporter(run, (error) => expect.unreachable(String(error)));
  open();
  for (let i = 1; i <= 800; i++) {
    reporter.report(line(`${i}`));
    if (i % 100 === 0) await reporter.flush();
  }
  for (let i = 1; i <= 800; i++) reporter.report(line(`error ${i}`, 'error'));
  await reporter.flush();
  const lines = written.lines.map(({ message }) => message);
  expect(lines.slice(0, 500)).toEqual(Array.from({ length: 500 }, (_, i) => `${i + 1}`));
  expect(lines[500]).toBe('further lines below level error are only in the log of the worker');
  expect(lines.slice(501)).toEqual(Array.from({ length: 500 }, (_, i) => `error ${i + 1}`));
});
