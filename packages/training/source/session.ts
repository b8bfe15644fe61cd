import type { Scheduled } from '@distillery/spec';
import type { Checkpoint } from './checkpoint.ts';
import type { Component } from './components/component.ts';
import { curve } from './components/curve.ts';
import { type Losses, runningLosses } from './components/losses.ts';
import { measuredTerms } from './components/measured-terms.ts';
import { type StepRunner, stepRunner } from './components/step-mode.ts';
import { balancedWeights } from './class-balance.ts';
import { openMember } from './member.ts';
import { readValues } from './network.ts';
import { type MemberTerm, type StepSetup, termLabel } from './step-context.ts';
import { takeStep } from './step.ts';
import { CurrentNumbers, numbersOf, type StepNumbers, type Timetable, timetable } from './step-numbers.ts';
import { branch, joinNames, type TensorTree } from './tensor-tree.ts';
import type { TrainingResult, TrainingRun } from './training-run.ts';

/** The state of a running training. */
export interface Session extends StepSetup {
  run: TrainingRun;
  table: Timetable;
  /** The terms of all members, in their order. */
  terms: readonly MemberTerm[];
  measured: ReturnType<typeof measuredTerms>;
  losses: Losses;
  curve: ReturnType<typeof curve>;
  /** The numbers of the step that is taken. */
  numbers: CurrentNumbers;
  /** Takes a step with them. */
  steps: StepRunner;
  /** Number of completed steps. */
  step: number;
  /** Seconds of training in earlier attempts, and when this one began. */
  time: { before: number; begun: number };
  /** The latest checkpoint, or the beginning. */
  saved: { at: number; step: number };
}

/** Creates everything that the run needs on the device. */
export function openSession(run: TrainingRun): Session {
  const members = run.members.map((member) => openMember(member, run));
  const terms = members.flatMap((member) => member.method.map((term) => ({ member, term })));
  const table = timetable(run.training, run.indices.train.length);
  const losses = runningLosses([...terms.map(termLabel), 'loss'], table.stepsPerEpoch);
  const numbers = new CurrentNumbers();
  const { dataset, indices, training } = run;
  const classes = dataset.classes.length;
  const weights =
    training.classWeights === undefined
      ? {}
      : { classWeights: balancedWeights(indices.train, dataset.train.labels, classes) };
  const setup = { members, terms, classes, precision: training.precision, ...weights };
  return {
    run,
    ...setup,
    numbers,
    steps: stepRunner((batch) => takeStep(setup, batch, numbers)),
    table,
    losses,
    curve: curve({ losses, schedules: schedulesOf(terms), hooks: run.hooks }),
    measured: measuredTerms(),
    step: 0,
    time: { before: 0, begun: performance.now() },
    saved: { at: performance.now(), step: 0 },
  };
}

function schedulesOf(terms: readonly MemberTerm[]): Record<string, Scheduled> {
  return Object.fromEntries(
    terms.flatMap((one) =>
      Object.entries(one.term.schedules ?? {}).map(([option, schedule]) => [
        `${option}_${termLabel(one)}`,
        schedule,
      ]),
    ),
  );
}

/** The numbers of the step that comes next. */
export function nextNumbers({ table, step, measured }: Session): StepNumbers {
  return numbersOf(
    table,
    step,
    measured.results.map(({ weight }) => weight),
  );
}

/** Every component, with the path to its state in a checkpoint. */
export function componentsOf(session: Pick<Session, 'members' | 'losses' | 'curve' | 'measured' | 'steps'>): {
  path: string[];
  component: Component;
}[] {
  const own = session.members.flatMap(({ name, components }) =>
    components.map((component) => ({
      path: [...(name === '' ? [] : ['members', name]), component.name],
      component,
    })),
  );
  // Losses come first, because a loss that is not finite explains weights that are not.
  const shared = [session.losses, session.curve, session.measured, session.steps];
  return [...shared.map((component) => ({ path: [component.name], component })), ...own];
}

/** @throws DistilleryError `nan` when a loss or weight is not finite, so that the previous checkpoint is kept */
export function checkpointOf(session: Session): Checkpoint {
  const tensors: TensorTree = {};
  const facts: Checkpoint['facts'] = {};
  for (const { path, component } of componentsOf(session)) {
    const state = component.state?.(session.step);
    if (state?.tensors !== undefined) Object.assign(branch(tensors, path), state.tensors);
    if (state?.facts !== undefined) facts[joinNames(path)] = structuredClone(state.facts);
  }
  return { cursor: { step: session.step, seconds: seconds(session) }, facts, tensors };
}

export function restoreSession(session: Session, { cursor, facts, tensors }: Checkpoint): void {
  session.step = cursor.step;
  session.time.before = cursor.seconds;
  session.saved.step = cursor.step;
  for (const { path, component } of componentsOf(session)) {
    component.restore?.({ tensors: branch(tensors, path), facts: structuredClone(facts[joinNames(path)]) });
  }
}

/** The seconds of training over all attempts. */
function seconds({ time }: Session): number {
  return time.before + (performance.now() - time.begun) / 1000;
}

export function resultOf(session: Session): TrainingResult {
  const { members, terms, measured, losses, steps, run } = session;
  const lastEpoch = run.until;
  const means = losses.last();
  return {
    lastEpoch,
    members: members.map((member) => ({
      best: member.best.best() ?? {
        epoch: lastEpoch,
        validationAccuracy: null,
        values: readValues(member.network.variables),
      },
      lastValidationAccuracy: member.best.lastAccuracy(),
      terms: measured.results.filter((_, index) => terms[index].member === member),
      losses: Object.fromEntries(
        member.method.map((term) => [term.name, means[termLabel({ member, term })]]),
      ),
    })),
    loss: means.loss,
    steps: steps.mode(),
    seconds: seconds(session),
  };
}

export function disposeSession(session: Session): void {
  for (const { component } of componentsOf(session)) component.dispose?.();
}
