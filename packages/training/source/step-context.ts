import {
  detached,
  feedScalar,
  type Precision,
  run,
  targetOf,
  type Tensors,
  unrecorded,
} from '@distillery/engine';
import { type Scheduled, valueAt } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import type { Component } from './components/component.ts';
import { componentName } from './components/index.ts';
import type { DeviceBatch } from './device-batch.ts';
import { label, type Member } from './member.ts';
import type { WeightedTerm } from './method.ts';
import type { StepMoment } from './step-numbers.ts';
import { runTaps } from './taps.ts';

/** The setup that all steps of a run share. */
export interface StepSetup {
  members: readonly Member[];
  classes: number;
  precision: Precision;
  /** `[classes]`; absent: all samples count alike. */
  classWeights?: Float32Array;
}

/** A term of a member's method. */
export interface MemberTerm {
  member: Member;
  term: WeightedTerm;
}

/** A term's name among those of all members. */
export function termLabel({ member, term }: MemberTerm): string {
  return label(member, term.name);
}

/** A variable's new value, which outlives the surrounding tidy: the caller assigns and disposes it. */
export interface Assignment {
  variable: tf.Variable;
  value: tf.Tensor;
}

/** Computes the losses of one step. Each network runs when a term first needs it. */
export interface StepContext {
  /**
   * A term's loss before its weight, a scalar.
   *
   * @param student replaces the taps of the member's network
   */
  loss(term: MemberTerm, student?: Tensors): tf.Tensor;
  /** The teacher's taps that a term reads, as constants. */
  teacherTaps(term: MemberTerm): Tensors;
  /** The new running statistics of the networks that have run. */
  statistics: Assignment[];
}

/**
 * Builds the context of a step. The preflight uses the same one.
 *
 * @param terms the terms whose losses will be computed
 */
export function stepContext(
  { members, classes, precision, classWeights }: StepSetup,
  terms: readonly MemberTerm[],
  batch: DeviceBatch,
  moment: StepMoment,
): StepContext {
  const statistics: Assignment[] = [];
  const ofNetworks = new Map<Member, Tensors>();
  const ofComponents = new Map<Component, Tensors>();
  return { loss, teacherTaps, statistics };

  function loss({ member, term }: MemberTerm, student?: Tensors): tf.Tensor {
    return term.bound.loss({
      student: student ?? networkTaps(member),
      teacher: teacherTaps({ member, term }),
      labels: batch.labels,
      mixed: batch.mixed,
      labelled: batch.labelled,
      ...(classWeights && { classWeights: tf.tensor1d(classWeights) }),
      indices: batch.indices,
      classes,
      at: (option: Scheduled) =>
        typeof option === 'number' ? option : feedScalar(() => valueAt(option, moment.epoch)),
      auxiliary: (part, x) => throughAuxiliary(member, term, part, x),
      studentParameters: member.network.variables,
      teacherParameters: member.teacherParameters,
    });
  }

  function teacherTaps({ member, term: { source, bound } }: MemberTerm): Tensors {
    if (source === undefined) return batch.teacher;
    if ('component' in source) return componentTaps(member, componentName(source.component));
    const taps = networkTaps(named(members, source.peer));
    return Object.fromEntries(bound.teacher.map((tap) => [tap, detached(taps[tap])]));
  }

  /** The taps of a member's network that its own terms or those of a peer read. */
  function networkTaps(member: Member): Tensors {
    const known = ofNetworks.get(member);
    if (known !== undefined) return known;
    const wanted = terms.flatMap(({ member: own, term: { bound, source } }) => [
      ...(own === member ? bound.student : []),
      ...(source !== undefined && 'peer' in source && source.peer === member.name ? bound.teacher : []),
    ]);
    const { network } = member;
    const given = { images: member.input(batch), labels: targetOf(batch, classes) };
    const result = runTaps(network, given, { ...pass(member), taps: [...new Set(wanted)] });
    update(network.variables, result.statistics);
    ofNetworks.set(member, result.taps);
    return result.taps;
  }

  function componentTaps(member: Member, name: string): Tensors {
    const component = named(member.components, name);
    const known = ofComponents.get(component);
    if (known !== undefined) return known;
    const wanted = terms.flatMap(({ member: own, term: { bound, source } }) =>
      own === member &&
      source !== undefined &&
      'component' in source &&
      componentName(source.component) === name
        ? bound.teacher
        : [],
    );
    const { provide } = component;
    if (provide === undefined) throw new RangeError(`${name} provides no taps`);
    const taps = unrecorded(() => tf.tidy(() => provide(batch, [...new Set(wanted)], moment)));
    ofComponents.set(component, taps);
    return taps;
  }

  function throughAuxiliary(member: Member, term: WeightedTerm, part: string, x: tf.Tensor): tf.Tensor {
    const { forward, variables, frozen } = member.auxiliaries[term.name][part];
    const { training } = pass(member);
    const result = run(forward, variables, x, { ...(frozen ? {} : { training }), precision, taps: [] });
    update(variables, result.statistics);
    return result.output;
  }

  function pass({ seed }: Member) {
    const training = {
      seed,
      get step() {
        return moment.step;
      },
    };
    return { training, precision };
  }

  function update(variables: Record<string, tf.Variable>, values: Tensors): void {
    for (const [name, value] of Object.entries(values)) statistics.push({ variable: variables[name], value });
  }
}

function named<T extends { name: string }>(all: readonly T[], name: string): T {
  const found = all.find((one) => one.name === name);
  if (found === undefined) throw new RangeError(`there is no ${name} to learn from`);
  return found;
}
