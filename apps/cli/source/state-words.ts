import { styleText } from 'node:util';
import type { JobState, StageState } from '@distillery/spec';

type Style = Parameters<typeof styleText>[0];

const styles: Record<JobState | StageState, { icon: string; style: Style }> = {
  waiting: { icon: '·', style: 'dim' },
  queued: { icon: '·', style: 'dim' },
  running: { icon: '▶', style: 'cyan' },
  pausing: { icon: '‖', style: 'yellow' },
  paused: { icon: '‖', style: 'yellow' },
  cancelling: { icon: '■', style: 'yellow' },
  succeeded: { icon: '✔', style: 'green' },
  failed: { icon: '✖', style: 'red' },
  cancelled: { icon: '■', style: 'yellow' },
};

/** The word of a state in its colour. */
export function stateWord(state: JobState | StageState): string {
  return styleText(styles[state].style, state);
}

/** The sign of a state in its colour. */
export function stateIcon(state: JobState | StageState): string {
  return styleText(styles[state].style, styles[state].icon);
}
