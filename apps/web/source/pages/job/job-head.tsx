import type { JobView, Report } from '@distillery/spec';
import { isTerminal } from '@distillery/spec/states';
import { useState } from 'preact/hooks';
import { Problem } from '../../api/problem.ts';
import { send } from '../../api/request.ts';
import { Button, ButtonLink } from '../../components/button.tsx';
import { Confirm } from '../../components/dialog.tsx';
import { Icon } from '../../components/icon.tsx';
import { Menu, type MenuItem } from '../../components/menu.tsx';
import { State } from '../../components/state.tsx';
import { toast } from '../../components/toast.tsx';
import { counted, number } from '../../format/numbers.ts';
import { about, ago, duration, exactTime, secondsBetween } from '../../format/times.ts';
import { navigate } from '../../router/location.ts';
import { useRights } from '../../session/session.ts';

interface HeadProps {
  job: JobView;
  report: Report | undefined;
  onChange: () => void;
}

/** The name and the state of a job, what is known at a glance, and what can be done with it. */
export function JobHead({ job, report, onChange }: HeadProps) {
  const name = job.name ?? job.id;
  return (
    <>
      <div class="head">
        <div>
          <nav class="bar small crumbs" aria-label="Where this is">
            <a href="/jobs" class="two">
              Jobs
            </a>
            <Icon name="right" />
            <span class="mono muted" title={job.id}>
              {shortId(job.id)}
            </span>
            <Button
              kind="quiet"
              small
              icon="copy"
              label="Copy the id"
              onClick={() =>
                void navigator.clipboard?.writeText(job.id).then(() => toast('The id is copied'))
              }
            />
          </nav>
          <div class="bar job-name">
            <h1>{name}</h1>
            <State state={job.state} />
          </div>
        </div>
        <Actions job={job} onChange={onChange} />
      </div>
      <div class="meta job-meta">
        <span title={exactTime(job.finishedAt ?? job.startedAt ?? job.createdAt)}>{timeWords(job)}</span>
        {report ? (
          <span>
            {report.dataset.source} · {number(report.dataset.train)} train,{' '}
            {number(report.dataset.validation)} validation, {number(report.dataset.test)} test
          </span>
        ) : (
          <span>{stageWords(job)}</span>
        )}
        {job.priority !== 0 && <span>Priority {number(job.priority)}</span>}
        {job.owner !== null && <span>by {job.owner}</span>}
        {Object.entries(job.labels).map(([key, value]) => (
          <a key={key} class="tag" href={`/jobs?label=${encodeURIComponent(`${key}:${value}`)}`}>
            {value === '' ? key : `${key} ${value}`}
          </a>
        ))}
      </div>
      {job.reason && (
        <section class="card failed-reason">
          <div class="problem">
            <Icon name="error" />
            <h2>{job.reason.stage === undefined ? 'The job failed' : `${job.reason.stage} failed`}</h2>
            <p class="two">{job.reason.message}</p>
            <div class="bar">
              <ButtonLink
                href={`/jobs/${job.id}/logs${job.reason.stage ? `?stage=${job.reason.stage}` : ''}`}
              >
                Show the log
              </ButtonLink>
            </div>
          </div>
        </section>
      )}
    </>
  );
}

/** `job_01m8cvzp…g43p` */
const shortId = (id: string) => (id.length > 20 ? `${id.slice(0, 12)}…${id.slice(-4)}` : id);

function timeWords({ state, createdAt, startedAt, finishedAt, etaSeconds }: JobView): string {
  const took = secondsBetween(startedAt, finishedAt);
  const left = etaSeconds === null ? '' : `, ${about(etaSeconds)} left`;
  if (finishedAt !== null)
    return `Finished ${ago(finishedAt)}${took === null ? '' : `, took ${duration(took)}`}`;
  if (startedAt === null) return `Submitted ${ago(createdAt)}${state === 'queued' ? left : ''}`;
  return `Started ${ago(startedAt)}${left}`;
}

function stageWords({ stages }: JobView): string {
  const workers = new Set(stages.filter(({ state }) => state === 'running').map(({ worker }) => worker));
  const running = workers.size === 0 ? '' : ` · ${counted(workers.size, 'worker')}`;
  return `${counted(stages.length, 'stage')}${running}`;
}

const verbs = {
  pause: { done: 'Pausing: trainers save their checkpoints', states: ['queued', 'running'] },
  resume: { done: 'Resumed', states: ['paused', 'pausing'] },
  retry: { done: 'Started again from the last checkpoints', states: ['failed', 'cancelled'] },
  cancel: {
    done: 'Cancelling: trainers save their checkpoints',
    states: ['queued', 'running', 'pausing', 'paused'],
  },
} as const;
type Verb = keyof typeof verbs;

function Actions({ job, onChange }: { job: JobView; onChange: () => void }) {
  const { may, mayControl } = useRights();
  const [asked, setAsked] = useState<'cancel' | 'delete'>();
  const [busy, setBusy] = useState(false);
  const mine = mayControl(job);
  const can = (verb: Verb) => mine && (verbs[verb].states as readonly string[]).includes(job.state);
  const base = `/v1/jobs/${encodeURIComponent(job.id)}`;

  const run = async (verb: Verb | 'delete') => {
    setBusy(true);
    try {
      if (verb === 'delete') {
        await send(base, { method: 'DELETE' });
        toast(`${job.name ?? job.id} is deleted`);
        navigate('/jobs');
        return;
      }
      await send(`${base}/${verb}`, { method: 'POST' });
      toast(verbs[verb].done);
      onChange();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      toast(error.message, { failed: true });
    } finally {
      setBusy(false);
      setAsked(undefined);
    }
  };

  const more: MenuItem[] = [
    ...(may('submit') ? [{ label: 'Use as a new job', href: `/new?from=${job.id}` }] : []),
    { label: 'Compare with other jobs', href: `/compare?jobs=${job.id}` },
    ...(mine && isTerminal(job.state)
      ? [{ label: 'Delete…', danger: true, run: () => setAsked('delete') }]
      : []),
  ];
  return (
    <div class="bar push job-actions">
      {job.state === 'succeeded' && (
        <>
          <ButtonLink href={`/compare?jobs=${job.id}`}>Compare</ButtonLink>
          <ButtonLink icon="download" href={`/jobs/${job.id}/files`}>
            Weights
          </ButtonLink>
        </>
      )}
      {can('pause') && (
        <Button icon="pause" disabled={busy} onClick={() => void run('pause')}>
          Pause
        </Button>
      )}
      {can('resume') && (
        <Button icon="play" disabled={busy} onClick={() => void run('resume')}>
          Resume
        </Button>
      )}
      {can('retry') && (
        <Button icon="retry" disabled={busy} onClick={() => void run('retry')}>
          Retry
        </Button>
      )}
      {can('cancel') && (
        <Button kind="danger" icon="close" disabled={busy} onClick={() => setAsked('cancel')}>
          Cancel
        </Button>
      )}
      <Menu icon="more" label="More actions" align="right" items={more} />
      {asked === 'cancel' && (
        <Confirm
          title={`Cancel ${job.name ?? job.id}?`}
          action="Cancel the job"
          keep="Keep it running"
          busy={busy}
          onConfirm={() => void run('cancel')}
          onClose={() => setAsked(undefined)}
        >
          <p>It ends after saving checkpoints and keeps what is finished. “Retry” continues it.</p>
        </Confirm>
      )}
      {asked === 'delete' && (
        <Confirm
          title={`Delete ${job.name ?? job.id}?`}
          action="Delete the job"
          busy={busy}
          onConfirm={() => void run('delete')}
          onClose={() => setAsked(undefined)}
        >
          <p>Its report, curves and weights are removed. Files that other jobs share stay.</p>
        </Confirm>
      )}
    </div>
  );
}
