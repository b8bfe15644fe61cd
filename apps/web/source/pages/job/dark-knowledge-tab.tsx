import { useId, useRef } from 'preact/hooks';
import { useLoad } from '../../api/use-load.ts';
import { Button, ButtonLink } from '../../components/button.tsx';
import { Empty, ErrorBox, Loading } from '../../components/page-states.tsx';
import { Select } from '../../components/select.tsx';
import { counted, number } from '../../format/numbers.ts';
import { useKeys } from '../../keyboard/keys.ts';
import { useQuery } from '../../router/query.ts';
import { useSettled } from '../../view/use-settled.ts';
import type { TabProps } from './job-tabs.ts';
import { SampleView } from './sample-view.tsx';
import { divergenceAt, type Sample, type Samples, verdictOf } from './samples.ts';

const pageSize = 10;
const temperatures = { least: 1, most: 20, usual: 4 };

/** What the teacher knows beyond the labels, sample by sample: its soft targets beside those of a student and its control. */
export default function DarkKnowledgeTab({ job, networks }: TabProps) {
  const [query, change] = useQuery();
  const students = networks.students.filter((name) => networks.roleOf(name).role === 'student');
  const trained = students.filter((name) =>
    networks.stagesOf(name).some(({ state }) => state === 'succeeded'),
  );
  const student = trained.find((name) => name === query.get('student')) ?? trained[0];
  const seeds =
    student === undefined
      ? []
      : networks
          .stagesOf(student)
          .flatMap(({ seed, state }) => (seed === null || state !== 'succeeded' ? [] : [seed]));
  const seed = seeds.find((one) => String(one) === query.get('seed')) ?? seeds[0];
  const asked = Number(query.get('temperature') ?? temperatures.usual);
  const temperature = asked >= temperatures.least && asked <= temperatures.most ? asked : temperatures.usual;
  // The order follows the temperature when the slider rests.
  const settled = useSettled(temperature, 300);
  const offset = Math.max(0, Math.floor(Number(query.get('offset') ?? 0)) || 0);
  const sort = query.get('order') === 'index' ? 'index' : 'disagreement';
  const label = query.get('class') ?? '';
  const path =
    student === undefined || seed === undefined
      ? null
      : samplesPath({ job: job.id, student, seed, sort, label, offset, temperature: settled });
  const { data: loaded, error, reload } = useLoad<Samples>(path);
  // The samples before stay until those of another order are there.
  const before = useRef<Samples>(undefined);
  if (loaded !== undefined) before.current = loaded;
  const data = loaded ?? (error === undefined ? before.current : undefined);

  if (student === undefined) {
    return (
      <section class="card">
        <Empty icon="clock" title="No student is trained yet">
          <p>As soon as the first one is, its answers stand here beside those of its teacher.</p>
          <ButtonLink href={`/jobs/${job.id}`}>Watch the curves</ButtonLink>
        </Empty>
      </section>
    );
  }
  const wanted = Number(query.get('sample') ?? Number.NaN);
  const sample = data?.samples.find(({ index }) => index === wanted) ?? data?.samples[0];
  return (
    <div class="stack">
      <div class="bar knobs">
        <Knob label="Student">
          <Select
            label="Student"
            network={networks.roleOf(student)}
            value={student}
            options={trained.map((name) => ({ value: name, label: name }))}
            onChange={(name) => change({ student: name, sample: null, offset: null, seed: null })}
          />
        </Knob>
        {seeds.length > 1 && (
          <Knob label="Seed">
            <Select
              label="Seed"
              value={String(seed)}
              options={seeds.map((one) => ({ value: String(one), label: String(one) }))}
              onChange={(one) => change({ seed: one, sample: null, offset: null })}
            />
          </Knob>
        )}
        <Knob label="Class">
          <Select
            label="Class"
            value={label}
            options={[
              { value: '', label: 'All' },
              ...(data?.classes ?? []).map((name, index) => ({ value: String(index), label: name })),
            ]}
            onChange={(one) => change({ class: one || null, sample: null, offset: null })}
          />
        </Knob>
        <Temperature
          value={temperature}
          onChange={(value) =>
            change({ temperature: value === temperatures.usual ? null : String(value) }, { replace: true })
          }
        />
      </div>
      {error && data === undefined && (
        <section class="card">
          <ErrorBox title="Could not load the test samples" problem={error} onRetry={reload} />
        </section>
      )}
      {error === undefined && data === undefined && <Loading rows={8} label="Loading the test samples" />}
      {data && sample === undefined && (
        <section class="card">
          <Empty icon="search" title="No sample of this class">
            <Button onClick={() => change({ class: null, offset: null })}>Show all classes</Button>
          </Empty>
        </section>
      )}
      {data && sample && (
        <div class="grid samples">
          <SampleList
            job={job.id}
            data={data}
            sample={sample}
            temperature={temperature}
            sort={sort}
            offset={offset}
          />
          <SampleView
            job={job}
            data={data}
            sample={sample}
            temperature={temperature}
            student={student}
            network={networks.roleOf(student)}
            control={networks.controlOf(student)}
          />
        </div>
      )}
    </div>
  );
}

function samplesPath(given: {
  job: string;
  student: string;
  seed: number;
  sort: string;
  label: string;
  offset: number;
  temperature: number;
}): string {
  const { job, student, seed, sort, label, offset, temperature } = given;
  const query = new URLSearchParams({
    student,
    seed: String(seed),
    sort,
    limit: String(pageSize),
    offset: String(offset),
    temperature: String(temperature),
  });
  if (label !== '') query.set('class', label);
  return `/v1/jobs/${encodeURIComponent(job)}/samples?${query}`;
}

function Knob({ label, children }: { label: string; children: preact.ComponentChildren }) {
  return (
    <div class="knob">
      <span class="small two" aria-hidden="true">
        {label}
      </span>
      {children}
    </div>
  );
}

/** The temperature, on a logarithmic slider: 1 to 2 matters as much as 10 to 20. */
function Temperature({ value, onChange }: { value: number; onChange: (value: number) => void }) {
  const id = useId();
  const ticks = [1, 2, 4, 10, 20];
  const place = (temperature: number) => Math.log(temperature) / Math.log(temperatures.most);
  const rounded = (share: number) => {
    const temperature = temperatures.most ** share;
    return Number(temperature.toFixed(temperature < 9.95 ? 1 : 0));
  };
  return (
    <div class="knob temperature">
      <label for={id} class="small two">
        Temperature <b>{number(value, 1)}</b>
      </label>
      <input
        id={id}
        type="range"
        class="slider"
        min="0"
        max="1"
        step="0.01"
        value={place(value)}
        aria-valuetext={number(value, 1)}
        onInput={({ currentTarget }) => onChange(rounded(Number(currentTarget.value)))}
      />
      <svg class="chart slider-ticks" height="12" aria-hidden="true">
        {ticks.map((tick) => (
          <text key={tick} x={`${3 + place(tick) * 94}%`} y="10" text-anchor="middle">
            {tick}
          </text>
        ))}
      </svg>
    </div>
  );
}

interface ListProps {
  job: string;
  data: Samples;
  sample: Sample;
  temperature: number;
  sort: string;
  offset: number;
}

const nouns = { image: 'image', text: 'text', numbers: 'sample' } as const;

/** The test samples, a page of them; `j` and `k` go to the next and the one before. */
function SampleList({ job, data, sample, temperature, sort, offset }: ListProps) {
  const [, change] = useQuery();
  const { samples, total, kind, classes } = data;
  const at = samples.findIndex(({ index }) => index === sample.index);
  const go = (by: number) => {
    const next = samples[at + by];
    if (next !== undefined) change({ sample: String(next.index) }, { replace: true });
    else if (by > 0 && offset + pageSize < total) change({ sample: null, offset: String(offset + pageSize) });
    else if (by < 0 && offset > 0)
      change({ sample: null, offset: offset > pageSize ? String(offset - pageSize) : null });
  };
  useKeys({
    j: { does: 'Next sample', run: () => go(1) },
    k: { does: 'Sample before', run: () => go(-1) },
  });
  const last = Math.min(offset + samples.length, total);
  return (
    <section class="card sample-list" aria-label="Test samples">
      <header>
        <h2>Test {nouns[kind]}s</h2>
        <span class="push" />
        <Select
          small
          label="Order"
          value={sort}
          options={[
            { value: 'disagreement', label: 'Most disagreement' },
            { value: 'index', label: 'Order of the data' },
          ]}
          onChange={(value) =>
            change({ order: value === 'index' ? value : null, sample: null, offset: null })
          }
        />
      </header>
      <div class="list-head small muted" aria-hidden="true">
        <span>true class, then teacher → student</span>
        <span>KL, nats</span>
      </div>
      <ul>
        {samples.map((one) => {
          const [teacher, student] = [verdictOf(one.teacher, one.label), verdictOf(one.student, one.label)];
          return (
            <li key={one.index}>
              <button
                type="button"
                class={one.index === sample.index ? 'sample on' : 'sample'}
                aria-current={one.index === sample.index ? 'true' : undefined}
                onClick={() => change({ sample: String(one.index) }, { replace: true })}
              >
                {kind === 'image' && <Thumbnail job={job} index={one.index} />}
                <span class="sample-words">
                  <span>
                    <b>{classes[one.label]}</b>{' '}
                    <span class="muted">
                      {nouns[kind]} {one.index}
                    </span>
                  </span>
                  {one.text !== null && <span class="small two excerpt">{one.text}</span>}
                  <span class="small two">
                    <Choice name={classes[teacher.choice]} right={teacher.right} /> →{' '}
                    <Choice name={classes[student.choice]} right={student.right} />
                  </span>
                </span>
                <span class="num">{number(divergenceAt(one.teacher, one.student, temperature), 3)}</span>
              </button>
            </li>
          );
        })}
      </ul>
      <div class="note bar">
        <span>
          {number(offset + 1)}–{number(last)} of {counted(total, nouns[kind])}
        </span>
        <span class="push" />
        <Button
          kind="quiet"
          small
          icon="left"
          label="Page before"
          disabled={offset === 0}
          onClick={() =>
            change({ offset: offset > pageSize ? String(offset - pageSize) : null, sample: null })
          }
        />
        <Button
          kind="quiet"
          small
          icon="right"
          label="Next page"
          disabled={last >= total}
          onClick={() => change({ offset: String(offset + pageSize), sample: null })}
        />
      </div>
    </section>
  );
}

function Choice({ name, right }: { name: string | undefined; right: boolean }) {
  return right ? (
    <span>{name}</span>
  ) : (
    <span class="wrong">
      <span aria-hidden="true">✕ </span>
      <span class="skip">wrong: </span>
      {name}
    </span>
  );
}

function Thumbnail({ job, index }: { job: string; index: number }) {
  return (
    <img
      class="thumbnail"
      src={`/v1/jobs/${encodeURIComponent(job)}/samples/${index}/image`}
      alt=""
      width={36}
      height={36}
      loading="lazy"
    />
  );
}
