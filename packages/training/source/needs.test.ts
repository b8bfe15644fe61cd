import { type NetworkPlan, run, startEngine, trace } from '@distillery/engine';
import { terms } from '@distillery/methods';
import { architectures, bind } from '@distillery/models';
import { valueAt } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { sample } from '../../engine/source/testing.ts';
import { bindMethod, createAuxiliaries, MethodError, type WeightedTerm } from './method.ts';
import { disposeNetwork } from './network.ts';

// What a term says that it reads is what the catalogue tells, and is all that it reads.

beforeAll(() => startEngine());

const classes = 10;
const batch = 4;

function planOf(type: string): NetworkPlan | undefined {
  try {
    return trace(bind(architectures.get(type), architectures.schema.parse({ type }), classes), [32, 32, 3]);
  } catch {
    // It is not made for images.
    return undefined;
  }
}

/** A term between two networks of the first architecture that it fits. */
function fitted(type: string): { term: WeightedTerm; plan: NetworkPlan } {
  for (const architecture of architectures.list) {
    const plan = planOf(architecture.type);
    if (plan === undefined) continue;
    try {
      const [term] = bindMethod([terms.schema.parse({ type })], plan, plan);
      return { term, plan };
    } catch (error) {
      if (!(error instanceof MethodError)) throw error;
    }
  }
  throw new Error(`${type} fits no architecture`);
}

/** Tensors of some of the shapes; asking for any other is an error. */
function only(
  what: string,
  names: readonly string[],
  shapeOf: (name: string) => number[],
): Record<string, tf.Tensor> {
  const tensors = Object.fromEntries(names.map((name, i) => [name, sample(shapeOf(name), i)]));
  return new Proxy(tensors, {
    get(target, name: string) {
      if (!(name in target)) throw new Error(`it reads ${what} ${name} without saying so`);
      return target[name];
    },
  });
}

test.each(terms.list.map(({ type }) => type))('%s reads what it says, and nothing else', (type) => {
  const { term, plan } = fitted(type);
  const { student, teacher, studentParameters = [], teacherParameters = [], labels } = term.bound;
  const ofTap = (tap: string) => [batch, ...plan.taps[tap]];
  const ofParameter = (name: string) => plan.parameters.find((p) => p.name === name)?.shape ?? [];
  const auxiliaries = createAuxiliaries([term], 1);
  let asked = false;
  tf.tidy(() => {
    const loss = term.bound.loss({
      student: only("the student's", student, ofTap),
      teacher: only("the teacher's", teacher, ofTap),
      studentParameters: only("the student's parameter", studentParameters, ofParameter),
      teacherParameters: only("the teacher's parameter", teacherParameters, ofParameter),
      get labels() {
        asked = true;
        return tf.tensor1d([0, 3, 9, 3], 'int32');
      },
      classes,
      at: (option) => valueAt(option, 0),
      auxiliary(part, x) {
        const { forward, variables } = auxiliaries[`${type}.${part}`];
        const { output, statistics } = run(forward, variables, x, {
          training: { seed: 1, step: 0 },
          taps: [],
        });
        tf.dispose(statistics);
        return output;
      },
    });
    expect(Number.isFinite(loss.dataSync()[0])).toBe(true);
  });
  expect(asked, 'it reads the labels').toBe(labels === true);
  for (const network of Object.values(auxiliaries)) disposeNetwork(network);
});
