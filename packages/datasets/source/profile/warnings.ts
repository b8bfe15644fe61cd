import type { DatasetProfile } from '@distillery/spec';

/** From this ratio on, accuracy says little about the smallest class. */
const imbalance = 10;

/** Sentences about what is likely to harm training, or to make a test meaningless. */
export function profileWarnings({
  classes,
  splits,
  duplicates,
  channels,
}: Pick<DatasetProfile, 'classes' | 'splits' | 'duplicates' | 'channels'>): string[] {
  const total = (counts: readonly number[]) => counts.reduce((sum, count) => sum + count, 0);
  const [train, test] = [total(splits.train), total(splits.test)];
  const warnings: string[] = [];
  if (duplicates.leaks > 0) {
    warnings.push(
      `${duplicates.leaks} of ${test} test samples equal a training sample: the accuracy counts what was learned by heart; remove them from one of the splits`,
    );
  }
  if (duplicates.conflicts > 0) {
    warnings.push(
      `${duplicates.conflicts} samples equal one of another class: their labels contradict each other, so at most one of them is right`,
    );
  }
  if (duplicates.train * 100 > train) {
    warnings.push(`${duplicates.train} of ${train} training samples equal an earlier one`);
  }
  const [smallest, largest] = [Math.min(...splits.train), Math.max(...splits.train)];
  if (largest >= imbalance * smallest) {
    const name = (count: number) => JSON.stringify(classes[splits.train.indexOf(count)]);
    warnings.push(
      `the classes are out of balance: ${name(largest)} has ${largest} training samples, ${name(smallest)} has ${smallest}`,
    );
  }
  const untested = classes.filter((_, label) => splits.test[label] === 0);
  if (untested.length > 0) {
    const named = untested.slice(0, 10).map((name) => JSON.stringify(name));
    warnings.push(`${untested.length} classes have no test sample: ${named.join(', ')}`);
  }
  const constant = channels.filter(({ std }) => std === 0).map(({ name }) => name);
  if (constant.length > 0) {
    warnings.push(
      `always the same number, from which nothing can be learned: ${constant.slice(0, 10).join(', ')}`,
    );
  }
  return warnings;
}
