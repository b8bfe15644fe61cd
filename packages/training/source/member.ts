import type { Dataset } from '@distillery/datasets';
import { createOptimizer, type Optimizer, type Tensors } from '@distillery/engine';
import type { Training } from '@distillery/spec';
import type * as tf from '@tensorflow/tfjs-core';
import {
  type Auxiliaries,
  auxiliaryNetworks,
  createAuxiliaries,
  type PretrainedValues,
  trainedAuxiliaries,
} from './components/auxiliary-networks.ts';
import { type BestEpoch, bestEpoch } from './components/best-epoch.ts';
import type { Component } from './components/component.ts';
import { teachingComponents } from './components/index.ts';
import { optimizerSlots } from './components/optimizer-slots.ts';
import { type TeacherParameters, teacherParameters } from './components/teacher-parameters.ts';
import { weights } from './components/weights.ts';
import type { DeviceBatch } from './device-batch.ts';
import type { WeightedTerm } from './method.ts';
import { type Network, trainable } from './network.ts';

/** One of the networks that a run trains. */
export interface MemberRun {
  /** Names it among the others; empty where it trains alone. */
  name: string;
  /** Its weights are trained in place; at the end they are the last epoch's. The caller disposes it. */
  network: Network;
  method: readonly WeightedTerm[];
  /** Keys dropout and the first weights of auxiliary networks. */
  seed: number;
  /** What the network runs on; absent: the batch's inputs. */
  input?: (batch: DeviceBatch) => tf.Tensor;
  /** The parameters of a frozen teacher that the method reads. */
  teacherParameters?: TeacherParameters;
  /** Weights of auxiliary networks that were trained beforehand. */
  pretrained?: PretrainedValues;
}

/** A network with everything that training it takes. */
export interface Member {
  name: string;
  network: Network;
  method: readonly WeightedTerm[];
  seed: number;
  input: (batch: DeviceBatch) => tf.Tensor;
  auxiliaries: Auxiliaries;
  teacherParameters: Tensors;
  /** What the optimizer moves: the network's variables, then those of auxiliary networks. */
  trained: Record<string, tf.Variable>;
  optimizer: Optimizer;
  best: BestEpoch;
  components: readonly Component[];
}

/** A member's name of a metric or a parameter among those of all members. */
export function label({ name }: Pick<Member, 'name'>, own: string): string {
  return name === '' ? own : `${name}/${own}`;
}

/** What members of a run have in common. */
interface Common {
  training: Training;
  dataset: Dataset;
  indices: { validation: Int32Array };
}

/** Puts what training a network takes on the device; the components own it. */
export function openMember(
  { name, network, method, seed, input = ({ inputs }) => inputs, ...given }: MemberRun,
  { training, dataset, indices }: Common,
): Member {
  const auxiliaries = createAuxiliaries(method, seed, given.pretrained);
  const trained = { ...trainable(network), ...trainedAuxiliaries(auxiliaries) };
  const optimizer = createOptimizer(training.optimizer, trained, training.gradientClip);
  const frozen = teacherParameters(given.teacherParameters ?? {});
  const labelled = (own: string) => label({ name }, own);
  const best = bestEpoch(network, { dataset, validation: indices.validation }, labelled);
  const usual: Component[] = [
    weights(network, labelled),
    auxiliaryNetworks(auxiliaries, labelled),
    optimizerSlots(optimizer),
    frozen,
    best,
  ];
  const member = {
    name,
    network,
    method,
    seed,
    input,
    auxiliaries,
    teacherParameters: frozen.tensors,
    trained,
    optimizer,
    best,
    components: usual,
  };
  return { ...member, components: [...usual, ...teachingComponents(member)] };
}
