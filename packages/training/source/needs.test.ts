import { type NetworkPlan, run, startEngine } from '@distillery/engine';
import { type TermBatch, terms } from '@distillery/methods';
import { architectures } from '@distillery/models';
import { DistilleryError, valueAt } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { sample } from '@distillery/engine/testing';
import { jobSpec } from './kinds.ts';
import { planNetworks } from './planning/plan-networks.ts';
import { createAuxiliaries } from './components/auxiliary-networks.ts';
import type { WeightedTerm } from './method.ts';
import { disposeNetwork } from './network.ts';

// Every term declares all that it reads, and the catalogue shows it.

beforeAll(() => startEngine());

const classes = 10;
const names = Array.from({ length: classes }, (_, i) => `class ${i}`);
const batch = 4;

/** The term bound to two networks of the first architecture that it fits. */
function fitted(type: string): { term: WeightedTerm; plan: NetworkPlan } {
  for (const architecture of architectures.list) {
    const spec = jobSpec.safeParse({
      dataset: { source: 'shapes' },
      teacher: { architecture: { type: architecture.type } },
      students: [{ name: 'one', architecture: { type: architecture.type }, method: [{ type }] }],
      baseline: false,
    });
    // The architecture has required options.
    if (!spec.success) continue;
    try {
      const [{ plan, method }] = planNetworks(spec.data, {
        job: { shape: [32, 32, 3], classes: names },
        teachers: { teacher: { architecture: spec.data.students[0].architecture } },
      }).students;
      return { term: method[0], plan };
    } catch (error) {
      if (!(error instanceof DistilleryError)) throw error;
    }
  }
  throw new Error(`${type} fits no architecture`);
}

/** Tensors of the given names; reading any other name is an error. */
function only(
  what: string,
  names: readonly string[],
  shapeOf: (name: string) => number[],
): Record<string, tf.Tensor> {
  const tensors = Object.fromEntries(names.map((name, i) => [name, sample(shapeOf(name), i)]));
  return new Proxy(tensors, {
    get(target, name: string) {
      if (!(name in target)) throw new Error(`it reads ${what} ${name} without declaring it`);
      return target[name];
    },
  });
}

/** What every term may read. */
const common = ['student', 'teacher', 'studentParameters', 'teacherParameters', 'classes', 'at', 'auxiliary'];

test.each(terms.list.map(({ type }) => type))('%s reads what it declares, and nothing else', (type) => {
  const { term, plan } = fitted(type);
  const { student, teacher, studentParameters = [], teacherParameters = [], reads = [] } = term.bound;
  const ofTap = (tap: string) => [batch, ...plan.taps[tap]];
  const ofParameter = (name: string) => plan.parameters.find((p) => p.name === name)?.shape ?? [];
  const auxiliaries = createAuxiliaries([term], 1);
  const asked = new Set<string>();
  tf.tidy(() => {
    const given: TermBatch = {
      student: only("the student's", student, ofTap),
      teacher: only("the teacher's", teacher, ofTap),
      studentParameters: only("the student's parameter", studentParameters, ofParameter),
      teacherParameters: only("the teacher's parameter", teacherParameters, ofParameter),
      labels: tf.tensor1d([0, 3, 9, 3], 'int32'),
      indices: tf.tensor1d([5, 0, 2, 7], 'int32'),
      classes,
      at: (option) => valueAt(option, 0),
      auxiliary(part, x) {
        const { forward, variables } = auxiliaries[type][part];
        const { output, statistics } = run(forward, variables, x, {
          training: { seed: 1, step: 0 },
          taps: [],
        });
        tf.dispose(statistics);
        return output;
      },
    };
    const observed = new Proxy(given, {
      get(target, key: keyof TermBatch) {
        asked.add(key);
        return target[key];
      },
    });
    expect(Number.isFinite(term.bound.loss(observed).dataSync()[0])).toBe(true);
  });
  expect([...asked].filter((key) => !common.includes(key))).toEqual(reads);
  for (const network of Object.values(auxiliaries[type])) disposeNetwork(network);
});
