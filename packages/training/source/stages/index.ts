import type { StageKind } from '@distillery/spec';
import { runAuxiliary } from './auxiliary.ts';
import { runMutual } from './mutual.ts';
import { runOutputs } from './outputs.ts';
import { type JobRecord, runReport } from './report.ts';
import type { StageContext } from './stage.ts';
import { runStudent } from './student.ts';
import { runTeacher } from './teacher.ts';

type Runner = (context: StageContext & JobRecord) => Promise<unknown>;

const runners: Record<StageKind, Runner> = {
  teacher: runTeacher,
  outputs: runOutputs,
  auxiliary: runAuxiliary,
  student: runStudent,
  mutual: runMutual,
  report: runReport,
};

/** Runs one stage of a job; its result is plain JSON. */
export const runStage: Runner = (context) => runners[context.stage.kind](context);
