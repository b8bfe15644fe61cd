import type { SweepRecord, TrialRecord } from '@distillery/spec';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextWork, rungsOf } from './halving.ts';

test('rungs rise by the factor up to all epochs', () => {
  expect(rungsOf(27, { minimumEpochs: 1, factor: 3 })).toEqual([1, 3, 9, 27]);
  expect(rungsOf(10, { minimumEpochs: 2, factor: 2 })).toEqual([2, 4, 8, 10]);
});

/** A sweep in memory, whose trials end in the order that the test chooses. */
function simulated(accuracies: readonly number[], rungs: number[], factor: number) {
  const trials = accuracies.map(
    (): TrialRecord => ({ values: {}, state: 'waiting', rungs: [], reason: null }),
  );
  const search = { type: 'halving', factor, minimumEpochs: rungs[0] };
  const sweep = { trials, rungs, given: { search } } as unknown as SweepRecord;
  return {
    trials,
    start(): number | undefined {
      const next = nextWork(sweep);
      if (next === undefined) return undefined;
      const trial = trials[next.trial];
      expect(trial.state).toBe(trial.rungs.length === 0 ? 'waiting' : 'held');
      expect(next.until).toBe(rungs[trial.rungs.length]);
      trial.state = 'running';
      trial.rungs.push({ until: next.until, job: 'j', runs: null });
      return next.trial;
    },
    end(index: number, fails = false): void {
      const trial = trials[index];
      const best = accuracies[index];
      const scores = { validation: { best, last: best }, test: { best: 0, last: 0 } };
      if (fails) trial.state = 'failed';
      else {
        trial.rungs[trial.rungs.length - 1].runs = [{ seed: 1, student: scores, control: null }];
        trial.state = trial.rungs.length === rungs.length ? 'succeeded' : 'held';
      }
    },
    reached: () => rungs.map((_, rung) => trials.filter((trial) => trial.rungs[rung]?.runs != null).length),
  };
}

/** Runs a sweep with so many jobs at once. @param pick chooses which of the running trials ends */
function run(
  sweep: ReturnType<typeof simulated>,
  parallel: number,
  pick: (running: number[]) => number,
  fails?: number,
): number {
  const running: number[] = [];
  let jobs = 0;
  for (;;) {
    while (running.length < parallel) {
      const started = sweep.start();
      if (started === undefined) break;
      running.push(started);
      jobs++;
    }
    if (running.length === 0) return jobs;
    const [ended] = running.splice(pick(running), 1);
    sweep.end(ended, ended === fails);
  }
}

test('one trial at a time: each promotion is of the best third so far', () => {
  // The third goes on as the best of three, before better ones have begun.
  const sweep = simulated([0.1, 0.2, 0.3, 0.9, 0.8, 0.7, 0.4, 0.5, 0.6], [1, 3, 9], 3);
  run(sweep, 1, () => 0);
  expect(sweep.reached()).toEqual([9, 4, 1]);
  expect(sweep.trials[3].state).toBe('succeeded');
});

test('with many at once it is successive halving, and the best of few goes to the end', () => {
  const accuracies = Array.from({ length: 24 }, (_, index) => ((index * 7) % 24) / 24);
  const sweep = simulated(accuracies, [1, 3, 9, 27], 3);
  expect(run(sweep, 24, () => 0)).toBeLessThan(24 + 24);
  const [all, , , last] = sweep.reached();
  expect([all, last]).toEqual([24, 1]);
  expect(sweep.trials[accuracies.indexOf(23 / 24)].state).toBe('succeeded');
});

test('whatever the order in which trials end, all begin, one at least is trained to the end, and rungs are small', () => {
  const order = fc.record({
    accuracies: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 40 }),
    parallel: fc.integer({ min: 1, max: 12 }),
    factor: fc.integer({ min: 2, max: 4 }),
    picks: fc.array(fc.nat(), { minLength: 1, maxLength: 50 }),
  });
  fc.assert(
    fc.property(order, ({ accuracies, parallel, factor, picks }) => {
      const once = (pickFrom: number[]) => {
        const sweep = simulated(accuracies, [1, 2, 4], factor);
        let turn = 0;
        run(sweep, parallel, (running) => pickFrom[turn++ % pickFrom.length] % running.length);
        return sweep;
      };
      const sweep = once(picks);
      const reached = sweep.reached();
      expect(reached[0]).toBe(accuracies.length);
      expect(reached[2]).toBeGreaterThanOrEqual(1);
      // The best trial of all is among the best of any rung that it reaches: it goes on while all others are compared.
      const best = accuracies.indexOf(Math.max(...accuracies));
      expect(sweep.trials[best].rungs.length).toBeGreaterThan(1);
      // The same order of ends gives the same decisions.
      expect(once(picks).trials).toEqual(sweep.trials);
    }),
    { numRuns: 200 },
  );
});

test('a trial that fails holds up no other', () => {
  const sweep = simulated([0.9, 0.2, 0.3, 0.1], [1, 2], 4);
  run(sweep, 4, () => 0, 0);
  expect(sweep.trials.map(({ state }) => state)).toEqual(['failed', 'held', 'succeeded', 'held']);
});
