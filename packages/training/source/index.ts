export { jobSpec, kinds } from './kinds.ts';
export { type Plan, type PlanContext, type Planned, planJob, planSchema } from './planning/plan.ts';
export { runStage } from './stages/index.ts';
export type { JobRecord } from './stages/report.ts';
export type { StageContext } from './stages/stage.ts';
export { StopTraining } from './train.ts';
