import { type Scheduled, valueAt } from '@distillery/spec';
import type { TrainingHooks } from '../training-run.ts';
import type { Component } from './component.ts';
import type { Losses } from './losses.ts';

/** Writes the training curve: a row for some steps with the means of their losses, the learning rate and the speed. */
export function curve({
  losses,
  schedules,
  hooks,
}: {
  losses: Losses;
  /** Scheduled options by the name of their column. */
  schedules: Record<string, Scheduled>;
  hooks: Pick<TrainingHooks, 'metrics' | 'progress'>;
}): Component & { restartClock(): void } {
  let since = performance.now();
  return {
    name: 'curve',
    /** Excludes the time between two epochs from the speed. */
    restartClock() {
      since = performance.now();
    },
    afterStep({ numbers, rowEnds }) {
      if (!rowEnds) return;
      const step = numbers.step + 1;
      const { means, samples } = losses.gather(step);
      const now = performance.now();
      const samplesPerSecond = (samples / (now - since)) * 1000;
      since = now;
      // The values that the step used, as for the learning rate.
      const scheduled = Object.fromEntries(
        Object.entries(schedules).map(([column, option]) => [column, valueAt(option, numbers.epoch)]),
      );
      hooks.metrics(Math.floor(numbers.epoch) + 1, step, {
        ...means,
        ...scheduled,
        learningRate: numbers.rate,
        samplesPerSecond,
      });
      hooks.progress('training', { step, loss: means.loss, samplesPerSecond });
    },
  };
}
