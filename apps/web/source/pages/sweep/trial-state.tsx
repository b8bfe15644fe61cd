import type { TrialView } from '@distillery/spec';
import { StateLike } from '../../components/state.tsx';

/** The state of a trial, with the shape and colour of the state of a job that it resembles. */
const states = {
  waiting: { like: 'waiting', word: 'Waiting' },
  running: { like: 'running', word: 'Running' },
  held: { like: 'paused', word: 'May go on' },
  stopped: { like: 'cancelled', word: 'Stopped early' },
  succeeded: { like: 'succeeded', word: 'Succeeded' },
  failed: { like: 'failed', word: 'Failed' },
  cancelled: { like: 'cancelled', word: 'Cancelled' },
} as const;

export function TrialState({ state }: Pick<TrialView, 'state'>) {
  return <StateLike {...states[state]} />;
}
