import type { JobState, StageState } from '@distillery/spec';
import type { ComponentChildren } from 'preact';

type AnyState = JobState | StageState;

const ring = <circle cx="8" cy="8" r="5.75" />;
const dashed = <circle cx="8" cy="8" r="5.75" stroke-dasharray="2.2 2.3" />;
const bars = <path d="M6.5 6v4M9.5 6v4" />;

/** The shape and the word of each state; the shape tells it without the colour. */
const states: Record<AnyState, { word: string; shape: ComponentChildren }> = {
  waiting: { word: 'Waiting', shape: dashed },
  queued: { word: 'Queued', shape: dashed },
  running: {
    word: 'Running',
    shape: (
      <>
        <circle cx="8" cy="8" r="5.75" opacity=".3" />
        <path class="spin" d="M8 2.25A5.75 5.75 0 0 1 13.75 8" />
      </>
    ),
  },
  pausing: {
    word: 'Pausing',
    shape: (
      <>
        {dashed}
        {bars}
      </>
    ),
  },
  paused: {
    word: 'Paused',
    shape: (
      <>
        {ring}
        {bars}
      </>
    ),
  },
  cancelling: {
    word: 'Cancelling',
    shape: (
      <>
        {dashed}
        <path d="M6 10l4-4" />
      </>
    ),
  },
  succeeded: {
    word: 'Succeeded',
    shape: (
      <>
        {ring}
        <path d="M5.5 8.2l1.8 1.8 3.3-3.8" />
      </>
    ),
  },
  failed: {
    word: 'Failed',
    shape: <path d="M5.6 2.25h4.8l3.35 3.35v4.8l-3.35 3.35H5.6L2.25 10.4V5.6zM8 5.2v3.3M8 10.8v.01" />,
  },
  cancelled: {
    word: 'Cancelled',
    shape: (
      <>
        {ring}
        <path d="M4 12l8-8" />
      </>
    ),
  },
};

/** The word for a state. */
export const stateWord = (state: AnyState): string => states[state].word;

/** The icon of a state alone, for places with a word of their own. Its colour is that of the class around it. */
export function StateIcon({ state, label }: { state: AnyState; label?: string }) {
  const access =
    label === undefined ? { 'aria-hidden': true } : { role: 'img' as const, 'aria-label': label };
  return (
    <svg class="icon" viewBox="0 0 16 16" {...access}>
      {states[state].shape}
    </svg>
  );
}

/** A state of a job, a stage or a run: icon, word and colour. */
export function State({ state }: { state: AnyState }) {
  return (
    <span class={`state ${state}`}>
      <StateIcon state={state} />
      {states[state].word}
    </span>
  );
}

/** A state of something else than a job: a word of its own, with the shape and colour of the state of a job that it resembles. */
export function StateLike({ like, word }: { like: AnyState; word: string }) {
  return (
    <span class={`state ${like}`}>
      <StateIcon state={like} />
      {word}
    </span>
  );
}
