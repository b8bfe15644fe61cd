import type { SweepView } from '@distillery/spec';
import { useState } from 'preact/hooks';
import { Problem } from '../../api/problem.ts';
import { send } from '../../api/request.ts';
import { Button, ButtonLink } from '../../components/button.tsx';
import { Confirm } from '../../components/dialog.tsx';
import { Icon } from '../../components/icon.tsx';
import { State } from '../../components/state.tsx';
import { toast } from '../../components/toast.tsx';
import { counted, number } from '../../format/numbers.ts';
import { ago, duration, exactTime, secondsBetween } from '../../format/times.ts';
import { pagePaths } from '../../paths.ts';
import { navigate } from '../../router/location.ts';
import { useRights } from '../../session/session.ts';

/** The name and the state of a sweep, and what can be done with it. */
export function SweepHead({ sweep, onChange }: { sweep: SweepView; onChange: () => void }) {
  return (
    <>
      <div class="head">
        <div>
          <nav class="bar small sweep-crumbs" aria-label="Where this is">
            <a href={pagePaths.sweeps} class="two">
              Sweeps
            </a>
            <Icon name="right" />
            <span class="mono muted">{sweep.id}</span>
          </nav>
          <div class="bar sweep-name">
            <h1>{sweep.name ?? 'Sweep'}</h1>
            <State state={sweep.state} />
          </div>
        </div>
        <Actions sweep={sweep} onChange={onChange} />
      </div>
      <div class="meta sweep-meta">
        <span title={exactTime(sweep.finishedAt ?? sweep.createdAt)}>{timeWords(sweep)}</span>
        <span>{searchWords(sweep)}</span>
        {sweep.owner !== null && <span>by {sweep.owner}</span>}
      </div>
    </>
  );
}

function timeWords({ createdAt, finishedAt }: SweepView): string {
  if (finishedAt === null) return `Submitted ${ago(createdAt)}`;
  return `Finished ${ago(finishedAt)}, took ${duration(secondsBetween(createdAt, finishedAt) ?? 0)}`;
}

function searchWords({ search, estimate, rungs }: SweepView): string {
  const trials = counted(estimate.trials, 'trial');
  if (search.type === 'grid') return `${trials}: every combination`;
  if (search.type === 'random') return `${trials} at random`;
  const places = rungs
    .slice(0, -1)
    .map((rung) => number(rung))
    .join(', ');
  return `${trials} by successive halving: one of ${number(search.factor)} goes on after ${places} epochs`;
}

type Verb = 'pause' | 'resume' | 'cancel';
const done: Record<Verb | 'delete', string> = {
  pause: 'Pausing: trainers save their checkpoints',
  resume: 'Resumed',
  cancel: 'Cancelling: trainers save their checkpoints',
  delete: 'The sweep and its jobs are deleted',
};

function Actions({ sweep, onChange }: { sweep: SweepView; onChange: () => void }) {
  const { mayControl } = useRights();
  const [asked, setAsked] = useState<'cancel' | 'delete'>();
  const [busy, setBusy] = useState(false);
  const { id, state, finishedAt } = sweep;
  const run = async (verb: Verb | 'delete') => {
    setBusy(true);
    try {
      if (verb === 'delete') await send(`/v1/sweeps/${id}`, { method: 'DELETE' });
      else await send(`/v1/sweeps/${id}/${verb}`, { method: 'POST' });
      toast(done[verb]);
      if (verb === 'delete') navigate(pagePaths.sweeps);
      else onChange();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      toast(error.message, { failed: true });
    } finally {
      setBusy(false);
      setAsked(undefined);
    }
  };
  const mine = mayControl(sweep);
  return (
    <div class="bar push">
      <ButtonLink href={`/jobs?label=${encodeURIComponent(`sweep:${id}`)}`}>Its jobs</ButtonLink>
      {mine && state === 'running' && (
        <Button icon="pause" disabled={busy} onClick={() => void run('pause')}>
          Pause
        </Button>
      )}
      {mine && state === 'paused' && (
        <Button icon="play" disabled={busy} onClick={() => void run('resume')}>
          Resume
        </Button>
      )}
      {mine && (state === 'running' || state === 'paused') && (
        <Button kind="danger" icon="close" disabled={busy} onClick={() => setAsked('cancel')}>
          Cancel
        </Button>
      )}
      {mine && finishedAt !== null && (
        <Button kind="danger" disabled={busy} onClick={() => setAsked('delete')}>
          Delete…
        </Button>
      )}
      {asked === 'cancel' && (
        <Confirm
          title="Cancel the sweep?"
          action="Cancel the sweep"
          keep="Keep it running"
          busy={busy}
          onConfirm={() => void run('cancel')}
          onClose={() => setAsked(undefined)}
        >
          <p>Its jobs end after saving checkpoints. Trials with a result stay in the leaderboard.</p>
        </Confirm>
      )}
      {asked === 'delete' && (
        <Confirm
          title="Delete the sweep?"
          action="Delete the sweep and its jobs"
          busy={busy}
          onConfirm={() => void run('delete')}
          onClose={() => setAsked(undefined)}
        >
          <p>Its jobs are deleted with their reports and weights. Files that other jobs share stay.</p>
        </Confirm>
      )}
    </div>
  );
}
