import { optimizerSchema, scheduleSchema } from '@distillery/spec';
import { expect, test } from 'vitest';
import { doubtfulOutcome, doubtfulSettings, doubtfulTrainings } from './sanity.ts';

const optimizer = optimizerSchema.parse({ type: 'adam' });
const schedule = scheduleSchema.parse({ type: 'constant' });

test.each([
  [{ type: 'constant', warmupEpochs: 2 }, []],
  [{ type: 'cosine', warmupEpochs: 5, finalFraction: 0 }, [/warm-up of 5 epochs fills the whole run of 5/]],
  [{ type: 'step', warmupEpochs: 0, gamma: 0.1, milestones: [2, 4] }, []],
  [
    { type: 'step', warmupEpochs: 0, gamma: 0.1, milestones: [2, 5, 9] },
    [/never reaches the milestones 5, 9:/],
  ],
] as const)('in 5 epochs, %j', (schedule, expected) => {
  const found = doubtfulSettings({ epochs: 5, schedule: structuredClone(schedule) as never, optimizer });
  expect(found).toHaveLength(expected.length);
  found.forEach((sentence, i) => expect(sentence).toMatch(expected[i] ?? /never/));
});

test.each([
  [{ type: 'adam', learningRate: 0.1 }, []],
  [
    { type: 'adam', learningRate: 0.5 },
    [/adam moves each weight by up to the learning rate of 0.5 in a step/],
  ],
  [{ type: 'adamw', learningRate: 100 }, [/adamw moves each weight .* of 100 /]],
  [{ type: 'sgd', learningRate: 1, momentum: 0.9 }, []],
  [
    { type: 'sgd', learningRate: 2, momentum: 0.9 },
    [/learning rate of 2 with momentum 0.9 multiplies gradients by 20 in all/],
  ],
  [{ type: 'sgd', learningRate: 100 }, [/learning rate of 100 with momentum 0 multiplies gradients by 100/]],
])('an optimizer %j', (given, expected) => {
  const found = doubtfulSettings({ epochs: 5, schedule, optimizer: optimizerSchema.parse(given) });
  expect(found).toHaveLength(expected.length);
  found.forEach((sentence, i) => expect(sentence).toMatch(expected[i] ?? /never/));
});

test('networks of a job share a sentence that concerns them all', () => {
  const training = {
    epochs: 2,
    schedule: scheduleSchema.parse({ type: 'constant', warmupEpochs: 3 }),
    optimizer,
  };
  const [long, sound] = ['the warm-up of 3 epochs fills the whole run of 2', { ...training, schedule }];
  const doubtful = (...names: string[]) => names.map((name) => ({ name, training }));
  expect(
    doubtfulTrainings([{ name: 'stored' }, ...doubtful('a', 'b'), { name: 'c', training: sound }]),
  ).toEqual([expect.stringContaining(`a, b: ${long}`)]);
  expect(doubtfulTrainings(doubtful('a', 'b', 'c', 'd', 'e'))).toEqual([
    expect.stringContaining(`a, b, c and 2 more: ${long}`),
  ]);
  const different = { name: 'x', training: { ...training, epochs: 1 } };
  expect(doubtfulTrainings([...doubtful('a'), different])).toHaveLength(2);
});

test.each([
  // Of 100 images in 10 classes, guessing gets 10 ± 3.
  [{ accuracy: 0.1, loss: 2.3, count: 100, classes: 10 }, [/10.0 % is that of guessing \(10.0 %\)/]],
  [{ accuracy: 0.15, loss: 2.2, count: 100, classes: 10 }, [/15.0 % is that of guessing/]],
  [{ accuracy: 0.15, loss: 2.2, count: 10_000, classes: 10 }, []],
  [
    { accuracy: 0.4, loss: 2e23, count: 100, classes: 10 },
    [/2.00e\+23 is far above that of guessing \(2.30\)/],
  ],
  [{ accuracy: 0.4, loss: 4, count: 100, classes: 10 }, []],
])('an outcome of %j', (outcome, expected) => {
  const found = doubtfulOutcome(outcome);
  expect(found).toHaveLength(expected.length);
  found.forEach((sentence, i) => expect(sentence).toMatch(expected[i] ?? /never/));
});
