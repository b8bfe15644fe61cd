import type { StoredDataset } from '@distillery/spec';
import { StateLike } from '../../components/state.tsx';

/** The state of a data set, with the shape and colour of the state of a job that it resembles. */
const states = {
  fetching: { like: 'running', word: 'Being fetched' },
  failed: { like: 'failed', word: 'Not fetched' },
  profiling: { like: 'running', word: 'Being read' },
  ready: { like: 'succeeded', word: 'Ready' },
  refused: { like: 'failed', word: 'Refused' },
} as const;

export function DatasetState({ state }: Pick<StoredDataset, 'state'>) {
  return <StateLike {...states[state]} />;
}
