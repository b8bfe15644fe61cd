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
  /** Its name among the members; empty for a network that trains alone. */
  name: string;
  /** The network. It is trained in place, and the caller disposes it. */
  network: Network;
  method: readonly WeightedTerm[];
  /** The seed of dropout and of the first weights of auxiliary networks. */
  seed: number;
  /** Selects the network's input; absent: the inputs of the batch. */
  input?: (batch: DeviceBatch) => tf.Tensor;
  /** The parameters of a frozen teacher that the method reads. */
  teacherParameters?: TeacherParameters;
  /** Weights of auxiliary networks that were trained beforehand. */
  pretrained?: PretrainedValues;
}

/** A network with everything that its training needs. */
export interface Member {
  name: string;
  network: Network;
  method: readonly WeightedTerm[];
  seed: number;
  input: (batch: DeviceBatch) => tf.Tensor;
  auxiliaries: Auxiliaries;
  teacherParameters: Tensors;
  /** The variables that the optimizer changes: the network's, then those of auxiliary networks. */
  trained: Record<string, tf.Variable>;
  optimizer: Optimizer;
  best: BestEpoch;
  components: readonly Component[];
}

/** The name of a member's metric or parameter among those of all members. */
export function label({ name }: Pick<Member, 'name'>, own: string): string {
  return name === '' ? own : `${name}/${own}`;
}

/** The settings that the members of a run share. */
interface Common {
  training: Training;
  dataset: Dataset;
  indices: { validation: Int32Array };
}

/** Creates everything that a network's training needs on the device. The components own it. */
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
