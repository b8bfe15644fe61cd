import { type NetworkResult, type Report, type RunScores, spreadOf, type TrialRun } from '@distillery/spec';

/** The runs of a student with those of its control, as the report of a job has them. */
export function runsOf({ students }: Pick<Report, 'students'>, name: string): TrialRun[] {
  const student = students.find((one) => one.name === name);
  const controls = students.find((one) => one.name === student?.control)?.runs ?? [];
  return (student?.runs ?? []).map((run) => {
    const control = controls.find(({ seed }) => seed === run.seed);
    return {
      seed: run.seed,
      student: scoresOf(run),
      control: control === undefined ? null : scoresOf(control),
    };
  });
}

/** Without a validation split, which sweeps refuse, a validation accuracy is 0. */
function scoresOf({ best, last }: NetworkResult): RunScores {
  return {
    validation: { best: best.validationAccuracy ?? 0, last: last.validationAccuracy ?? 0 },
    test: { best: best.testAccuracy, last: last.testAccuracy },
  };
}

const both = (read: (which: 'best' | 'last') => number[]) => ({
  best: spreadOf(read('best')),
  last: spreadOf(read('last')),
});

/** The mean and the deviation over the seeds of the validation accuracy. */
export function validationOf(runs: readonly TrialRun[]) {
  return both((which) => runs.map(({ student }) => student.validation[which]));
}

export function testOf(runs: readonly TrialRun[]) {
  return both((which) => runs.map(({ student }) => student.test[which]));
}

/** The gain over the control with the same seed, seed by seed; null without controls. */
export function overControl(runs: readonly TrialRun[], split: 'validation' | 'test') {
  const pairs = runs.flatMap(({ student, control }) => (control === null ? [] : [{ student, control }]));
  if (pairs.length === 0) return null;
  return both((which) => pairs.map(({ student, control }) => student[split][which] - control[split][which]));
}
