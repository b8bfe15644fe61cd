import { detached, type Forward, type Net, type NetworkPlan, type Tensors } from '@distillery/engine';
import type { BoundTerm } from '@distillery/methods';
import type { Choice } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { bindMethod, type WeightedTerm } from './method.ts';
import { withoutPrefix } from './prefixes.ts';

/**
 * Networks that train together are one network that holds them side by side: parameters, taps and random streams of a
 * member bear its name in front (`small/features.0.weight`). So the loop, the optimizer and checkpoints know of one
 * network alone.
 */

/** What a member's names begin with. */
export function prefixOf(member: string): string {
  return `${member}/`;
}

/** @param members by name; each gets the same input, the last one's output is put out */
export function sideBySide(members: Readonly<Record<string, Forward>>): Forward {
  return (net, x) => {
    let output = x;
    for (const [name, forward] of Object.entries(members)) output = forward(named(net, prefixOf(name)), x);
    return output;
  };
}

/** A net whose operations have a prefix to their names: their first argument, where they have one. */
function named<T>(net: Net<T>, prefix: string): Net<T> {
  return new Proxy(net, {
    get(target, key) {
      const operation = Reflect.get(target, key) as (...parts: unknown[]) => unknown;
      return (first: unknown, ...rest: unknown[]) =>
        operation.call(target, typeof first === 'string' ? prefix + first : first, ...rest);
    },
  });
}

/** Under the names that a member's entries have among the others'. */
export function amongMembers<V>(prefix: string, values: Readonly<Record<string, V>>): Record<string, V> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [prefix + name, value]));
}

/**
 * A member's method, bound to the networks side by side. Each term that needs a teacher is there once for every peer, in
 * equal shares: L = CE + 1/(K−1)·Σ KL(p_other‖p_own) is deep mutual learning (Zhang et al., CVPR 2018, arXiv:1706.00384).
 * What a peer says is a constant, of the same step; all move at once.
 *
 * @throws MethodError when a term's taps do not fit
 */
export function bindPeer(
  member: string,
  method: readonly Choice[],
  plans: Readonly<Record<string, NetworkPlan>>,
): WeightedTerm[] {
  const own = plans[member];
  const others = Object.keys(plans).filter((name) => name !== member);
  const bound = others.map((other) => {
    // A peer's weights move with every step: none of its parameters can be read.
    const { taps } = plans[other];
    return { other, terms: bindMethod(method, own, { taps, parameters: [] }) };
  });
  return bound[0].terms.flatMap((term, index): WeightedTerm[] => {
    if (term.bound.teacher.length === 0) return [asMember(term, prefixOf(member))];
    return bound.map(({ other, terms }) => asLearner(terms[index], member, other, others.length));
  });
}

/** A term that has no teacher, as it is among the members. */
export function asMember(term: WeightedTerm, prefix: string): WeightedTerm {
  return {
    ...term,
    name: prefix + term.name,
    member: prefix,
    bound: { ...renamed(term.bound, prefix), loss: (batch) => term.bound.loss(memberBatch(batch, prefix)) },
  };
}

/** @param share how many peers the member learns from */
function asLearner(term: WeightedTerm, member: string, other: string, share: number): WeightedTerm {
  const [prefix, theirs] = [prefixOf(member), prefixOf(other)];
  const { student, teacher } = term.bound;
  return {
    ...term,
    name: share === 1 ? prefix + term.name : `${prefix}${term.name}/${other}`,
    member: prefix,
    bound: {
      ...renamed(term.bound, prefix),
      student: [...student.map((tap) => prefix + tap), ...teacher.map((tap) => theirs + tap)],
      teacher: [],
      matching: false,
      loss(batch) {
        const said = withoutPrefix(theirs, batch.student);
        const constants = Object.fromEntries(teacher.map((tap) => [tap, detached(said[tap])]));
        const loss = term.bound.loss({ ...memberBatch(batch, prefix), teacher: constants });
        return share === 1 ? loss : tf.div(loss, share);
      },
    },
  };
}

function renamed(bound: BoundTerm, prefix: string): BoundTerm {
  return {
    ...bound,
    student: bound.student.map((tap) => prefix + tap),
    ...(bound.studentParameters && {
      studentParameters: bound.studentParameters.map((name) => prefix + name),
    }),
  };
}

function memberBatch(batch: Parameters<BoundTerm['loss']>[0], prefix: string) {
  return {
    ...batch,
    student: withoutPrefix(prefix, batch.student) as Tensors,
    ...(batch.studentParameters && { studentParameters: withoutPrefix(prefix, batch.studentParameters) }),
  };
}
