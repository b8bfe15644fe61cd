import type { StagePlan } from '@distillery/spec';
import { trainerThreads } from '@distillery/worker/trainer-environment';
import { median } from './compare.ts';
import { contender, type ContenderId } from './contender.ts';
import type { Precision, Refusal, Work } from './protocol.ts';

/** Trainers of one worker that train students at the same time, beside as many processes of PyTorch. */
export interface Beside {
  trainers: number;
  /** The threads of each. */
  threads: number;
  precision: Precision;
  /** The students that each contender trains in an hour, in each round. */
  sides: Partial<Record<ContenderId, number[] | Refusal>>;
  /** The same where one of our processes trains as many students in one function, with all threads. */
  together: number[] | Refusal;
}

/** The steps of a student: ten epochs of CIFAR-10's 50,000 images, as in the tutorial. */
const stepsOfStudent = (batch: number) => 10 * Math.ceil(50_000 / batch);
/** The steps of each process in a round, of which the first do not count. */
const [taken, settling] = [120, 20];

/** Measures the students that a worker with that many trainers trains in an hour, with soft targets. */
export async function studentsPerHour(
  trainers: number,
  work: Work,
  ids: readonly ContenderId[],
  { rounds, python }: { rounds: number; python: string },
): Promise<Beside> {
  const student: StagePlan = { id: 'student', kind: 'student', needs: [], work: 1, input: {} };
  const students = Array.from({ length: trainers }, () => student);
  const threads = trainerThreads(student, students, trainers, work.threads);
  const sides: Beside['sides'] = {};
  let together: Beside['together'] = [];
  const processes = ids.map((id) => ({
    id,
    running: students.map(() => contender(id, { ...work, threads }, python)),
  }));
  const one = contender('ours', { ...work, students: trainers }, python);
  try {
    // The first round does not count.
    for (let round = -1; round < rounds; round++) {
      for (const { id, running } of processes) {
        const before = sides[id] ?? [];
        if ('refused' in before) continue;
        const answers = await Promise.all(running.map((each) => each.ask({ steps: taken })));
        const refusal = answers.find((answer) => 'refused' in answer);
        const perStep = answers.map((answer) =>
          'refused' in answer ? Number.NaN : mean(answer.milliseconds.slice(settling)),
        );
        const perHour = perStep.reduce((sum, each) => sum + 3_600_000 / each, 0) / stepsOfStudent(work.batch);
        sides[id] = refusal ?? (round < 0 ? [] : [...before, perHour]);
      }
      if ('refused' in together) continue;
      const answer = await one.ask({ steps: taken });
      if ('refused' in answer) together = answer;
      else if (round >= 0) {
        const perStep = mean(answer.milliseconds.slice(settling));
        together.push((trainers * 3_600_000) / perStep / stepsOfStudent(work.batch));
      }
    }
  } finally {
    await Promise.all([one, ...processes.flatMap(({ running }) => running)].map((each) => each.stop()));
  }
  return { trainers, threads, precision: work.precision, sides, together };
}

/** Returns a contender's median; undefined if it was not asked or refused. */
export function studentsOf({ sides }: Beside, id: ContenderId): number | undefined {
  const side = sides[id];
  return side === undefined || 'refused' in side ? undefined : median(side);
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, one) => sum + one, 0) / numbers.length;
}
