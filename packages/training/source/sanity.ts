import type { Optimizer, Training } from '@distillery/spec';

type Settings = Pick<Training, 'epochs' | 'schedule' | 'optimizer'>;

/** Returns a sentence for each setting with which a run is unlikely to do what its author expects. */
export function doubtfulSettings({ epochs, schedule, optimizer }: Settings): string[] {
  const found = doubtfulRate(optimizer);
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

/**
 * Adam moves each weight by up to the learning rate in a step, whatever the gradient (Kingma & Ba, ICLR 2015, 2.1), and the
 * first weights of a layer are hundredths to tenths. Gradient descent with momentum moves them by the learning rate over
 * 1 - momentum times the gradient; the largest published ones are about 10, for batches of tens of thousands.
 */
function doubtfulRate(optimizer: Optimizer): string[] {
  const { type, learningRate } = optimizer;
  if (type === 'sgd') {
    const whole = learningRate / (1 - optimizer.momentum);
    if (Math.round(whole) <= 10) return [];
    return [
      `the learning rate of ${learningRate} with momentum ${optimizer.momentum} multiplies gradients by ${Math.round(whole)} in all: training is likely to diverge`,
    ];
  }
  if (learningRate <= 0.1) return [];
  return [
    `${type} moves each weight by up to the learning rate of ${learningRate} in a step, more than most weights measure: training is likely to diverge`,
  ];
}

/**
 * Returns the sentences of `doubtfulSettings` for all networks of a job, each once, with the names of the networks that it
 * concerns.
 *
 * @param networks without `training` where the job does not train them
 */
export function doubtfulTrainings(
  networks: readonly { name: string; training?: Settings | undefined }[],
): string[] {
  const concerned = new Map<string, string[]>();
  for (const { name, training } of networks) {
    for (const sentence of training === undefined ? [] : doubtfulSettings(training)) {
      concerned.set(sentence, [...(concerned.get(sentence) ?? []), name]);
    }
  }
  return [...concerned].map(([sentence, names]) => {
    const more = names.length > 3 ? ` and ${names.length - 3} more` : '';
    return `${names.slice(0, 3).join(', ')}${more}: ${sentence}`;
  });
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

/**
 * Returns a sentence if a teacher that was brought is no better than guessing by two standard errors, which is the sign of another
 * preprocessing, or of another order of the classes.
 */
export function doubtfulTeacher(
  accuracy: number,
  { count, classes }: Pick<Outcome, 'count' | 'classes'>,
): string[] {
  const chance = 1 / classes;
  if (accuracy > chance + 2 * Math.sqrt((chance * (1 - chance)) / count)) return [];
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  return [
    `the teacher is right for ${percent(accuracy)} of ${count} samples, which is guessing (${percent(chance)}): ` +
      'check the order of its classes, its normalisation and the order of its samples',
  ];
}
