export * from './results.ts';
export { stageRunner } from './stages.ts';
export { randomLogits } from './teacher-rows.ts';
