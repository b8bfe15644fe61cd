import { expect, test } from 'vitest';
import { doubtfulOutcome, doubtfulSettings } from './sanity.ts';

test.each([
  [{ type: 'constant', warmupEpochs: 2 }, []],
  [{ type: 'cosine', warmupEpochs: 5, finalFraction: 0 }, [/warm-up of 5 epochs fills the whole run of 5/]],
  [{ type: 'step', warmupEpochs: 0, gamma: 0.1, milestones: [2, 4] }, []],
  [
    { type: 'step', warmupEpochs: 0, gamma: 0.1, milestones: [2, 5, 9] },
    [/never reaches the milestones 5, 9:/],
  ],
] as const)('in 5 epochs, %j', (schedule, expected) => {
  const found = doubtfulSettings({ epochs: 5, schedule: structuredClone(schedule) as never });
  expect(found).toHaveLength(expected.length);
  found.forEach((sentence, i) => expect(sentence).toMatch(expected[i] ?? /never/));
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
