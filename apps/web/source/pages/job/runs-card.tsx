import type { Curve, JobView, Report, StageView } from '@distillery/spec';
import { useHighlight, useRunRow } from '../../charts/highlight.tsx';
import { lastPoint } from '../../charts/series.ts';
import { Button } from '../../components/button.tsx';
import { Mark } from '../../components/mark.tsx';
import { StateIcon, stateWord } from '../../components/state.tsx';
import { networkClass } from '../../components/mark.tsx';
import { nothing, number, points } from '../../format/numbers.ts';
import { spreadOf } from '@distillery/spec/spread';
import { useHidden, useHiding } from './hidden-runs.ts';
import { curveOf, type JobNetworks } from './job-networks.ts';

interface CardProps {
  job: JobView;
  report: Report | undefined;
  networks: JobNetworks;
  curves: readonly Curve[] | undefined;
}

/** Every student with every seed: what is done, what runs, and how good it is so far. */
export function RunsCard({ networks, report, curves = [] }: CardProps) {
  const highlight = useHighlight();
  const rowOf = useRunRow();
  const hidden = useHidden();
  const hide = useHiding();
  const accuracyOf = (name: string, stage: StageView): number | undefined => {
    const student = report?.students.find((one) => one.name === name);
    const scored = student?.runs.find((run) => run.stage === stage.id);
    if (scored !== undefined) return scored.best.testAccuracy;
    const curve = curveOf(curves, stage, name, 'validation_accuracy');
    if (curve === undefined) return undefined;
    if (stage.state !== 'succeeded') return lastPoint({ x: curve.epoch, y: curve.value })?.y;
    return Math.max(...curve.value.filter((value) => value !== null));
  };
  const scoresOf = (name: string) =>
    new Map(
      networks
        .stagesOf(name)
        .filter(({ state }) => state === 'succeeded')
        .flatMap((stage) => {
          const accuracy = accuracyOf(name, stage);
          return accuracy === undefined || stage.seed === null ? [] : [[stage.seed, accuracy] as const];
        }),
    );
  if (networks.students.length === 0) return null;
  return (
    <section class="card">
      <header>
        <h2>Runs</h2>
        <span class="small muted">
          {report
            ? 'test accuracy of the best epoch, %'
            : 'validation accuracy, %; a running seed shows its latest epoch'}
        </span>
      </header>
      <div class="scroll" role="region" aria-label="Runs" tabIndex={0}>
        <table class="runs sticky1">
          <thead>
            <tr>
              <th scope="col">Student</th>
              {networks.seeds.map((seed) => (
                <th key={seed} scope="col">
                  Seed {seed}
                </th>
              ))}
              <th scope="col" class="num">
                Mean so far, %
              </th>
              <th scope="col" class="num">
                Over control, points
              </th>
              <th scope="col">
                <span class="skip">Hide</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {networks.students.map((name) => {
              const network = networks.roleOf(name);
              const scores = scoresOf(name);
              const control = networks.controlOf(name);
              const isHidden = hidden.includes(name);
              return (
                <tr
                  key={name}
                  class={
                    [
                      highlight.active() === name && 'on',
                      network.role === 'control' && 'control',
                      isHidden && 'hidden-run',
                    ]
                      .filter(Boolean)
                      .join(' ') || undefined
                  }
                  {...rowOf(name)}
                >
                  <th scope="row">
                    <button
                      type="button"
                      class="name plain-button"
                      aria-pressed={highlight.pinned() === name}
                      onClick={() => highlight.pin(name)}
                      onFocus={() => highlight.hover(name)}
                      onBlur={() => highlight.hover(null)}
                    >
                      <Mark network={network} />
                      <span>{name}</span>
                    </button>
                  </th>
                  {networks.seeds.map((seed) => (
                    <td key={seed} class={networkClass(network)}>
                      <RunCell
                        stage={networks.stagesOf(name).find((stage) => stage.seed === seed)}
                        accuracyOf={(stage) => accuracyOf(name, stage)}
                      />
                    </td>
                  ))}
                  <td class="num">{meanText([...scores.values()], networks.seeds.length)}</td>
                  <td class="num">{control === undefined ? nothing : gainText(scores, scoresOf(control))}</td>
                  <td class="num">
                    <Button
                      kind="quiet"
                      small
                      icon={isHidden ? 'eye-off' : 'eye'}
                      label={isHidden ? `Show ${name}` : `Hide ${name} everywhere`}
                      onClick={() => hide(name)}
                    />
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function RunCell({
  stage,
  accuracyOf,
}: {
  stage: StageView | undefined;
  accuracyOf: (stage: StageView) => number | undefined;
}) {
  if (stage === undefined) return <span class="muted">{nothing}</span>;
  const { state, progress } = stage;
  const accuracy = accuracyOf(stage);
  const value = accuracy === undefined ? '' : number(accuracy * 100, state === 'succeeded' ? 2 : 1);
  const words =
    state === 'running' && progress !== null && progress.epochs > 0
      ? `epoch ${Math.min(progress.epoch + 1, progress.epochs)}/${progress.epochs}`
      : state === 'running' && progress !== null
        ? progress.phase
        : state === 'succeeded'
          ? ''
          : stateWord(state);
  return (
    <div class={`run ${state}`}>
      <StateIcon state={state} label={stateWord(state)} />
      <span>{words}</span>
      <span>{value}</span>
      {state === 'running' && (
        <span class="track" aria-hidden="true">
          <b style={{ width: `${(progress?.fraction ?? 0) * 100}%` }} />
        </span>
      )}
    </div>
  );
}

function meanText(values: readonly number[], seeds: number) {
  if (values.length === 0) return nothing;
  const { mean, sd } = spreadOf(values);
  return (
    <>
      {number(mean * 100, 2)}{' '}
      <span class="pm">
        {values.length < seeds
          ? `${values.length} of ${seeds}`
          : sd === null
            ? '1 seed'
            : `± ${number(sd * 100, 2)}`}
      </span>
    </>
  );
}

function gainText(own: ReadonlyMap<number, number>, control: ReadonlyMap<number, number>) {
  const gains = [...own].flatMap(([seed, accuracy]) => {
    const other = control.get(seed);
    return other === undefined ? [] : [accuracy - other];
  });
  if (gains.length === 0) return nothing;
  return (
    <>
      {points(spreadOf(gains).mean)}{' '}
      <span class="pm">
        {gains.filter((gain) => gain > 0).length}/{gains.length}
      </span>
    </>
  );
}
