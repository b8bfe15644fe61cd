export { jobSpec, kinds } from './kinds.ts';
export { type Plan, type PlanContext, type Planned, planJob, planSchema } from './planning/plan.ts';
export { runStage } from './stages/index.ts';
export type { StageRecord } from './stages/report.ts';
export type { StageContext } from './stages/stage.ts';
export { StopTraining } from './training-run.ts';
