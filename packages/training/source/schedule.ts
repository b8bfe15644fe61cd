import type { Schedule } from '@distillery/spec';

/**
 * The learning rate of a step.
 *
 * @param step counted from 0
 * @param stepsPerEpoch optimizer steps in an epoch
 * @param epochs the run's length
 */
export function learningRate(
  schedule: Schedule,
  base: number,
  step: number,
  stepsPerEpoch: number,
  epochs: number,
): number {
  const warmup = schedule.warmupEpochs * stepsPerEpoch;
  if (step < warmup) return (base * (step + 1)) / (warmup + 1);
  switch (schedule.type) {
    case 'constant':
      return base;
    case 'step': {
      const epoch = Math.floor(step / stepsPerEpoch);
      const passed = schedule.milestones.filter((milestone) => epoch >= milestone).length;
      return base * schedule.gamma ** passed;
    }
    case 'cosine': {
      const total = stepsPerEpoch * epochs - warmup;
      const done = total <= 1 ? 1 : (step - warmup) / (total - 1);
      const wave = (1 + Math.cos(Math.PI * done)) / 2;
      return base * (schedule.finalFraction + (1 - schedule.finalFraction) * wave);
    }
  }
}
