export {
  type Domain,
  domainSchema,
  maxTrials,
  type NewSweep,
  type NewSweepInput,
  newSweepSchema,
  type Search,
} from './new-sweep.ts';
export type { RunScores, SweepRecord, TrialRecord, TrialRun, TrialRung } from './record.ts';
export {
  isSweepOver,
  type LeaderboardEntry,
  leaderboardEntrySchema,
  type SweepEstimate,
  type SweepPlan,
  type SweepState,
  type SweepSummary,
  type SweepView,
  sweepPlanSchema,
  sweepStates,
  sweepSummarySchema,
  sweepViewSchema,
  type TrialState,
  type TrialView,
  trialSchema,
  trialStates,
} from './view.ts';
