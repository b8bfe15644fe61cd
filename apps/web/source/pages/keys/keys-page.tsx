import type { ApiKeyView } from '@distillery/spec';
import { useState } from 'preact/hooks';
import { Problem } from '../../api/problem.ts';
import { send } from '../../api/request.ts';
import { useLoad } from '../../api/use-load.ts';
import { Button } from '../../components/button.tsx';
import { Confirm } from '../../components/dialog.tsx';
import { Empty, ErrorBox, Loading } from '../../components/page-states.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { toast } from '../../components/toast.tsx';
import { nothing, number } from '../../format/numbers.ts';
import { ago, exactTime } from '../../format/times.ts';
import { useRights } from '../../session/session.ts';
import { useTitle } from '../../use-title.ts';
import { useNow } from '../../view/use-now.ts';
import './keys.css';
import { NewKey } from './new-key.tsx';

/** The API keys of the service, for administrators: who may do what, new ones, and the end of others. */
export default function KeysPage() {
  useTitle('Keys');
  const { may } = useRights();
  const { data, error, pending, reload } = useLoad<{ keys: ApiKeyView[] }>(may('admin') ? '/v1/keys' : null);
  const now = useNow();
  const [revoking, setRevoking] = useState<ApiKeyView>();
  const [making, setMaking] = useState(false);
  if (!may('admin')) {
    return (
      <Empty icon="key" title="Keys are for administrators">
        <p>Your key does not have the scope admin.</p>
      </Empty>
    );
  }
  const revoke = async ({ id, name }: ApiKeyView) => {
    try {
      await send(`/v1/keys/${id}`, { method: 'DELETE' });
      toast(`The key of ${name} is revoked.`);
    } catch (thrown) {
      if (!(thrown instanceof Problem)) throw thrown;
      toast(thrown.message, { failed: true });
    }
    setRevoking(undefined);
    reload();
  };
  return (
    <>
      <div class="head">
        <h1>Keys</h1>
        <div class="push">
          <Button icon="plus" onClick={() => setMaking(true)}>
            New key
          </Button>
        </div>
      </div>
      <section class="card">
        {pending && <Loading />}
        {error && <ErrorBox title="Could not load the keys" problem={error} onRetry={reload} />}
        {data &&
          (data.keys.length === 0 ? (
            <Empty icon="key" title="No keys yet">
              <p>Without keys, everybody who reaches this service may do everything, or nobody anything.</p>
            </Empty>
          ) : (
            <Table
              label="Keys"
              columns={columns(now, setRevoking)}
              rows={data.keys}
              rowKey={({ id }) => id}
              rowClass={({ revokedAt }) => (revokedAt === null ? undefined : 'gone')}
              sticky
            />
          ))}
        <p class="note">
          <b>read</b> sees everything; <b>submit</b> also starts jobs and controls those of its owner;{' '}
          <b>admin</b> does everything. Keys of the same name are one owner, so that a key can be replaced.
        </p>
      </section>
      {making && (
        <NewKey
          onClose={() => {
            setMaking(false);
            reload();
          }}
        />
      )}
      {revoking && (
        <Confirm
          title={`Revoke the key of ${revoking.name}?`}
          action="Revoke the key"
          onConfirm={() => void revoke(revoking)}
          onClose={() => setRevoking(undefined)}
        >
          <p>
            Programs and browsers that use <code>{revoking.id}</code> are refused at once. Jobs of{' '}
            {revoking.name} stay.
          </p>
        </Confirm>
      )}
    </>
  );
}

function columns(now: number, onRevoke: (key: ApiKeyView) => void): Column<ApiKeyView>[] {
  const time = (at: string | null) =>
    at === null ? <span class="muted">{nothing}</span> : <time title={exactTime(at)}>{ago(at, now)}</time>;
  return [
    { name: 'name', title: 'Owner', names: true, cell: ({ name }) => <b>{name}</b> },
    { name: 'id', title: 'Id', cell: ({ id }) => <code>{id}</code> },
    { name: 'scope', title: 'Scope', cell: ({ scope }) => <span class="tag">{scope}</span> },
    {
      name: 'jobs',
      title: 'Unfinished jobs',
      number: true,
      cell: ({ jobs }) => (jobs === null ? 'default' : number(jobs)),
    },
    {
      name: 'rate',
      title: 'Requests a minute',
      number: true,
      cell: ({ rate }) => (rate === null ? 'default' : number(rate)),
    },
    { name: 'created', title: 'Made', number: true, class: 'two', cell: ({ createdAt }) => time(createdAt) },
    {
      name: 'used',
      title: 'Last used',
      number: true,
      class: 'two',
      cell: ({ lastUsedAt }) => time(lastUsedAt),
    },
    {
      name: 'revoke',
      title: <span class="skip">Revoke</span>,
      number: true,
      cell: (key) =>
        key.revokedAt === null ? (
          <Button
            kind="danger"
            small
            aria-label={`Revoke the key ${key.id} of ${key.name}`}
            onClick={() => onRevoke(key)}
          >
            Revoke…
          </Button>
        ) : (
          <span class="muted" title={exactTime(key.revokedAt)}>
            revoked {ago(key.revokedAt, now)}
          </span>
        ),
    },
  ];
}
