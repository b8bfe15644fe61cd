export { analysePredictions } from './analysis.ts';
export type { ComponentKind } from './components/component-kind.ts';
export {
  checkDescription,
  datasetIfKept,
  dropDataset,
  keepDataset,
  keptDataset,
  keptDatasets,
} from './datasets/kept-datasets.ts';
export {
  beginFetch,
  dropFetch,
  failFetch,
  failureOf,
  type Fetch,
  fetches,
  fetchFolder,
  fetchOf,
} from './datasets/fetches.ts';
export { profilesFolder } from './datasets/folders.ts';
export { dropProfile, makeProfile, profileName, profileOf, refuseDataset } from './datasets/profiles.ts';
export { resolveDatasets } from './datasets/resolve.ts';
export { resizedPositions } from './initial/positions.ts';
export { jobSpec, kinds, trainingSchema } from './kinds.ts';
export { keptFolders, uploadsFolder } from './kept.ts';
export { loadedPlugins } from './import-plugin.ts';
export {
  dropNetwork,
  keepNetwork,
  keptNetwork,
  keptNetworks,
  networkFile,
  uploadedNetwork,
} from './networks/kept-networks.ts';
export { resolveTeacherFiles, type TeacherUpload } from './given/resolve.ts';
export { resolveNetworks } from './networks/resolve.ts';
export { loadPlugins, type Plugin } from './plugins.ts';
export { type PlanContext, type Planned, planJob } from './planning/plan.ts';
export {
  artifactsOf,
  blobsNamedBy,
  networksOf,
  reportOf,
  sharedFolders,
  stageKinds,
} from './stages/index.ts';
export { lostStages } from './stages/lost-stages.ts';
export { runStage, type StageTask } from './stages/run-stage.ts';
export type {
  JobRecord,
  StageArtifacts,
  StageContext,
  StageKind,
  StageNetwork,
  StageRecord,
} from './stages/stage.ts';
export { comparedLogits, type TestPredictions, testPredictions } from './stages/test-predictions.ts';
export { divergences } from './scores.ts';
export { decodeTestSamples, type TestSamples } from './test-samples.ts';
export { version } from './version.ts';
export { StopTraining } from './training-run.ts';
