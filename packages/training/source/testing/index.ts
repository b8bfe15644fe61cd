export * from './results.ts';
export { stageRunner } from './stages.ts';
export { randomRows } from './teacher-rows.ts';
