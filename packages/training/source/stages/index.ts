import type { StageKind } from '@distillery/spec';
import { runMutual } from './mutual.ts';
import { runOutputs } from './outputs.ts';
import { runReport, type StageRecord } from './report.ts';
import type { StageContext } from './stage.ts';
import { runStudent } from './student.ts';
import { runTeacher } from './teacher.ts';

type Runner = (context: StageContext & { records: StageRecord[] }) => Promise<unknown>;

const runners: Record<StageKind, Runner> = {
  teacher: runTeacher,
  outputs: runOutputs,
  student: runStudent,
  mutual: runMutual,
  report: runReport,
};

/** Runs one stage of a job; its result is plain JSON. */
export const runStage: Runner = (context) => runners[context.stage.kind](context);
