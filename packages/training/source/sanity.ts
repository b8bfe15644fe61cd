import type { Training } from '@distillery/spec';

/** Returns a sentence for each setting that has less effect on a run than its author expects. */
export function doubtfulSettings({ epochs, schedule }: Pick<Training, 'epochs' | 'schedule'>): string[] {
  const found: string[] = [];
  const { warmupEpochs } = schedule;
  if (warmupEpochs > 0 && warmupEpochs >= epochs) {
    found.push(
      `the warm-up of ${warmupEpochs} epochs fills the whole run of ${epochs}: the learning rate is never reached`,
    );
  }
  const late = schedule.type === 'step' ? schedule.milestones.filter((milestone) => milestone >= epochs) : [];
  if (late.length > 0) {
    found.push(
      `the run of ${epochs} epochs never reaches the milestones ${late.join(', ')}: the learning rate stays higher`,
    );
  }
  return found;
}

export interface Outcome {
  /** The share of the test images that the network classifies correctly after its last epoch. */
  accuracy: number;
  /** The mean cross-entropy of those images, in nats. */
  loss: number;
  /** How many there are. */
  count: number;
  classes: number;
}

/**
 * Returns a sentence if a network has learned nothing: if its accuracy is not above that of guessing by two standard
 * errors, or its loss is more than ten times that of guessing, ln(classes), as after a learning rate that is too high.
 */
export function doubtfulOutcome({ accuracy, loss, count, classes }: Outcome): string[] {
  const chance = 1 / classes;
  const limit = chance + 2 * Math.sqrt((chance * (1 - chance)) / count);
  const guess = Math.log(classes);
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  if (accuracy <= limit) {
    return [
      `the accuracy of ${percent(accuracy)} is that of guessing (${percent(chance)}): the network has learned nothing; ` +
        'check learning rate, labels and epochs',
    ];
  }
  if (loss > 10 * guess) {
    return [
      `the test loss of ${loss.toPrecision(3)} is far above that of guessing (${guess.toFixed(2)}): the learning rate may be too high`,
    ];
  }
  return [];
}
