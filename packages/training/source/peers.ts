import type { NetworkPlan } from '@distillery/engine';
import type { Choice } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { bindMethod, type WeightedTerm } from './method.ts';

/**
 * Binds a student's method to its peers. Each term that learns from them is repeated for every peer, in equal shares:
 * L = CE + 1/(K−1)·Σ KL(p_other‖p_own) is deep mutual learning (Zhang et al., CVPR 2018, arXiv:1706.00384). The taps of a
 * peer are constants of the same step, and all students are updated together.
 *
 * @param plans the plans of all students that train together, by name
 * @throws MethodError when a term's taps do not fit
 */
export function bindPeer(
  student: string,
  method: readonly Choice[],
  plans: Readonly<Record<string, NetworkPlan>>,
): WeightedTerm[] {
  const peers = Object.keys(plans).filter((name) => name !== student);
  const bound = peers.map((peer) => {
    // A peer's weights change with every step, so terms cannot read its parameters.
    const { taps } = plans[peer];
    return { peer, terms: bindMethod(method, plans[student], { taps, parameters: [] }) };
  });
  return bound[0].terms.flatMap((term, index): WeightedTerm[] => {
    // A component teaches its own student, once.
    if (term.bound.teacher.length === 0 || term.source !== undefined) return [term];
    return bound.map(({ peer, terms }) => shareOf(terms[index], peer, peers.length));
  });
}

/** A term whose teacher is one of `count` peers. */
function shareOf(term: WeightedTerm, peer: string, count: number): WeightedTerm {
  if (count === 1) return { ...term, source: { peer } };
  const { bound } = term;
  return {
    ...term,
    name: `${term.name}/${peer}`,
    source: { peer },
    bound: { ...bound, loss: (batch) => tf.div(bound.loss(batch), count) },
  };
}
