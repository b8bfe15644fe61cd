import { useEffect, useMemo, useState } from 'preact/hooks';
import { Problem, unreachable } from '../../api/problem.ts';
import { request } from '../../api/request.ts';
import { useLoad } from '../../api/use-load.ts';
import { Button } from '../../components/button.tsx';
import { Icon } from '../../components/icon.tsx';
import { Menu } from '../../components/menu.tsx';
import { Empty, ErrorBox, Loading } from '../../components/page-states.tsx';
import { Segments } from '../../components/segments.tsx';
import { toast } from '../../components/toast.tsx';
import { counted } from '../../format/numbers.ts';
import { navigate } from '../../router/location.ts';
import { useQuery } from '../../router/query.ts';
import { useRights } from '../../session/session.ts';
import { useTitle } from '../../use-title.ts';
import { withValue } from './edit.ts';
import { placeText } from './errors.ts';
import { blankSpec, exampleNames, loadExample } from './examples.ts';
import { type Form, FormContext } from './form-context.ts';
import './new.css';
import { PlanPanel } from './plan-panel.tsx';
import type { Schemas } from './schema.ts';
import { SpecForm } from './spec-form.tsx';
import { SpecText } from './spec-text.tsx';
import { type Planned, usePlan } from './use-plan.ts';

type Spec = Record<string, unknown>;
type View = 'form' | 'json' | 'yaml';

/** Builds a job: a form of the service's own schema, or text, with the plan beside it. */
export default function NewPage() {
  useTitle('New job');
  const [query, change] = useQuery();
  const { may } = useRights();
  const { data, error, reload } = useLoad<{ components: { schemas: Schemas } }>('/openapi.json');
  const [spec, setSpec, failed] = useSpec(query.get('from'), query.get('example'));
  const [open, setOpen] = useState(0);
  const planned = usePlan(may('submit') ? spec : undefined);
  const [idempotencyKey, setIdempotencyKey] = useState(newKey);
  const [submitted, setSubmitted] = useState<Problem>();
  const [busy, setBusy] = useState(false);
  const problem = submitted ?? planned.problem;
  const errors = useMemo(
    () => new Map((problem?.fields ?? []).map((field) => [field.path, field])),
    [problem],
  );
  const view = (query.get('view') ?? 'form') as View;

  if (!may('submit')) {
    return (
      <Empty icon="key" title="Your key may only read">
        <p>Starting jobs needs a key with the scope submit or admin.</p>
      </Empty>
    );
  }
  const edit = (next: Spec) => {
    setSubmitted(undefined);
    setIdempotencyKey(newKey());
    setSpec(next);
  };
  const start = async () => {
    if (spec === undefined || busy) return;
    setBusy(true);
    try {
      const headers = { 'idempotency-key': idempotencyKey };
      const { id } = await request<{ id: string }>('/v1/jobs', { method: 'POST', body: spec, headers });
      toast('The job is in the queue.');
      navigate(`/jobs/${id}`);
    } catch (thrown) {
      const why = thrown instanceof Problem ? thrown : unreachable();
      setSubmitted(why);
      if (why.fields.length === 0) toast(why.message, { failed: true });
    } finally {
      setBusy(false);
    }
  };
  return (
    <div
      onKeyDown={(event) => {
        if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
        event.preventDefault();
        void start();
      }}
    >
      <div class="head">
        <h1>New job</h1>
        <div class="bar push">
          <Segments
            label="How to write the spec"
            value={view}
            options={[
              { value: 'form', label: 'Form' },
              { value: 'json', label: 'JSON' },
              { value: 'yaml', label: 'YAML' },
            ]}
            onChange={(to) => change({ view: to === 'form' ? null : to }, { replace: true })}
          />
          <Menu
            align="right"
            items={exampleNames.map((name) => ({
              label: name,
              run: () => change({ example: name, from: null }),
            }))}
          >
            Start from…
          </Menu>
        </div>
      </div>
      {error && (
        <section class="card">
          <ErrorBox title="Could not load the description of job specs" problem={error} onRetry={reload} />
        </section>
      )}
      {failed && (
        <section class="card">
          <ErrorBox title="Could not load the spec to start from" problem={failed} />
        </section>
      )}
      {spec !== undefined && problem && (
        <Alert problem={problem} spec={spec} onGo={(index) => setOpen(index)} />
      )}
      {data === undefined || spec === undefined ? (
        !error && !failed && <Loading rows={8} />
      ) : (
        <Editor
          form={{
            spec,
            schemas: data.components.schemas,
            errors,
            set: (path, value) => edit(withValue(spec, path, value) as Spec),
          }}
          {...{ view, open, planned, busy }}
          onOpen={setOpen}
          onSpec={edit}
          onStart={() => void start()}
        />
      )}
    </div>
  );
}

const newKey = (): string =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');

interface EditorProps {
  form: Form;
  view: View;
  open: number;
  planned: Planned;
  busy: boolean;
  onOpen: (index: number) => void;
  onSpec: (spec: Spec) => void;
  onStart: () => void;
}

function Editor({ form, view, open, planned, busy, onOpen, onSpec, onStart }: EditorProps) {
  const { spec } = form;
  const students = Array.isArray(spec.students) ? (spec.students as { name?: string }[]) : [];
  return (
    <div class="lay">
      <FormContext.Provider value={form}>
        {view === 'form' ? (
          <SpecForm open={open} onOpen={onOpen} />
        ) : (
          <SpecText format={view} spec={spec} onSpec={onSpec} />
        )}
      </FormContext.Provider>
      <aside class="card plan" aria-label="Plan">
        <PlanPanel
          planned={planned}
          seeds={Array.isArray(spec.seeds) ? spec.seeds.length : 1}
          student={students[open]?.name}
        />
        <div class="act">
          <Button kind="primary" class="start" disabled={busy} onClick={onStart}>
            Start the job <kbd class="wide">Ctrl ↵</kbd>
          </Button>
          <Button onClick={() => save(spec)}>Save spec</Button>
        </div>
      </aside>
    </div>
  );
}

/** What has to change, with links to the fields. */
function Alert({ problem, spec, onGo }: { problem: Problem; spec: Spec; onGo: (student: number) => void }) {
  const { fields } = problem;
  const go = (path: string) => {
    const student = /^\/students\/(\d+)/.exec(path)?.[1];
    if (student !== undefined) onGo(Number(student));
    // The student has to unfold first.
    setTimeout(() => {
      const place = document.querySelector<HTMLElement>(
        `[data-pointer="${CSS.escape(path)}"] :is(input, select)`,
      );
      place?.closest('details')?.setAttribute('open', '');
      place?.focus();
    }, 50);
  };
  return (
    <div class="alert" role="alert">
      <Icon name="error" />
      <div>
        <b>
          {fields.length === 0
            ? problem.message
            : `${counted(fields.length, 'field')} ${fields.length === 1 ? 'needs' : 'need'} a change.`}
        </b>{' '}
        {fields.slice(0, 5).map(({ path, message }) => (
          <button key={path} type="button" class="link" title={message} onClick={() => go(path)}>
            {placeText(path, spec) || message}
          </button>
        ))}
      </div>
    </div>
  );
}

/** The spec that is edited: of an earlier job, an example, or a small one to begin with. */
function useSpec(
  from: string | null,
  example: string | null,
): [Spec | undefined, (spec: Spec) => void, Problem | undefined] {
  const [spec, setSpec] = useState<Spec>();
  const [failed, setFailed] = useState<Problem>();
  useEffect(() => {
    let current = true;
    setFailed(undefined);
    const load = async () => {
      if (from !== null) return request<Spec>(`/v1/jobs/${encodeURIComponent(from)}/spec`);
      return (example === null ? undefined : await loadExample(example)) ?? structuredClone(blankSpec);
    };
    load().then(
      (loaded) => current && setSpec(loaded),
      (error: unknown) => current && setFailed(error instanceof Problem ? error : unreachable()),
    );
    return () => {
      current = false;
    };
  }, [from, example]);
  return [spec, setSpec, failed];
}

/** Saves the spec as a file. */
function save(spec: Spec): void {
  const text = new Blob([`${JSON.stringify(spec, undefined, 2)}\n`], { type: 'application/json' });
  const url = URL.createObjectURL(text);
  const link = document.createElement('a');
  link.href = url;
  link.download = `${typeof spec.name === 'string' ? spec.name.replaceAll(/[^\w.-]+/g, '-') : 'spec'}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
