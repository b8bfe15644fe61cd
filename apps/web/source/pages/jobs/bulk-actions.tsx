import type { JobSummary } from '@distillery/spec';
import { useState } from 'preact/hooks';
import { Problem } from '../../api/problem.ts';
import { send } from '../../api/request.ts';
import { Button, ButtonLink } from '../../components/button.tsx';
import { Check } from '../../components/check.tsx';
import { Confirm } from '../../components/dialog.tsx';
import { toast } from '../../components/toast.tsx';
import { counted } from '../../format/numbers.ts';
import { useKeys } from '../../keyboard/keys.ts';
import { navigate } from '../../router/location.ts';
import { matchPage } from '../../router/match.ts';
import { useRights } from '../../session/session.ts';
import { canCancel, canDelete, nameOf } from './job-parts.tsx';

interface BulkActionsProps {
  selected: readonly JobSummary[];
  /** Whether all loaded jobs are selected. */
  all: boolean;
  onAll: () => void;
  onClear: () => void;
  onDone: () => void;
}

const actions = {
  cancel: { verb: 'Cancel', done: 'Cancelling', keep: 'Keep them' },
  delete: { verb: 'Delete', done: 'Deleted', keep: 'Keep' },
} as const;
type Action = keyof typeof actions;

/** What can be done with the selected jobs at once. */
export function BulkActions({ selected, all, onAll, onClear, onDone }: BulkActionsProps) {
  const [asked, setAsked] = useState<Action>();
  const [busy, setBusy] = useState(false);
  const { mayControl } = useRights();
  const mine = selected.filter(mayControl);
  const targets = { cancel: mine.filter(canCancel), delete: mine.filter(canDelete) };
  const compare = selected.length > 1 ? `/compare?jobs=${selected.map(({ id }) => id).join(',')}` : undefined;
  const comparable = compare !== undefined && matchPage('/compare') !== undefined;
  useKeys({
    Escape: { does: 'Clear the selection', run: onClear },
    ...(comparable && { c: { does: 'Compare the selected jobs', run: () => navigate(compare) } }),
  });

  const run = async (action: Action) => {
    setBusy(true);
    const failed: string[] = [];
    for (const job of targets[action]) {
      try {
        await (action === 'delete'
          ? send(`/v1/jobs/${job.id}`, { method: 'DELETE' })
          : send(`/v1/jobs/${job.id}/cancel`, { method: 'POST' }));
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        failed.push(`${nameOf(job)}: ${error.message}`);
      }
    }
    const done = targets[action].length - failed.length;
    setBusy(false);
    setAsked(undefined);
    if (failed.length > 0) toast(failed.join('; '), { failed: true });
    else toast(`${actions[action].done} ${counted(done, 'job')}.`);
    onDone();
  };

  return (
    <div class="bulk" role="region" aria-label="Selected jobs">
      <Check label="Select all jobs that are shown" checked={all} some onChange={all ? onClear : onAll} />
      <b>{counted(selected.length, 'job')} selected</b>
      {comparable && <ButtonLink href={compare}>Compare</ButtonLink>}
      {targets.cancel.length > 0 && <Button onClick={() => setAsked('cancel')}>Cancel…</Button>}
      {targets.delete.length > 0 && (
        <Button kind="danger" onClick={() => setAsked('delete')}>
          Delete…
        </Button>
      )}
      <Button kind="quiet" class="push" onClick={onClear}>
        Clear <kbd class="wide">Esc</kbd>
      </Button>
      {asked && (
        <Confirm
          title={`${actions[asked].verb} ${counted(targets[asked].length, 'job')}?`}
          action={`${actions[asked].verb} ${counted(targets[asked].length, 'job')}`}
          keep={actions[asked].keep}
          busy={busy}
          onConfirm={() => void run(asked)}
          onClose={() => setAsked(undefined)}
        >
          {asked === 'delete' ? (
            <p>Their reports, curves and weights are removed. Files that other jobs share stay.</p>
          ) : (
            <p>
              They end after saving a checkpoint and keep what is finished. “Retry” continues a cancelled job.
            </p>
          )}
          {targets[asked].length < selected.length && (
            <p class="small muted">
              {asked === 'delete'
                ? 'Selected jobs that have not ended, or belong to others, stay.'
                : 'Selected jobs that have ended, or belong to others, stay as they are.'}
            </p>
          )}
        </Confirm>
      )}
    </div>
  );
}
