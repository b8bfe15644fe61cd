import { weightSchema } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { terms } from './index.ts';
import { termRegistry } from './needs.ts';
import { type BoundTerm, TapError, type Term } from './term.ts';

const catalogue = terms.catalogue();

test.each([
  ['cross_entropy', ["the student's logits", 'labels'], []],
  ['soft_target', ['logits'], []],
  ['decoupled', ['logits', 'labels'], []],
  ['attention', ['maps'], []],
  ['rkd_angle', ['features'], []],
  ['hint', ['maps'], ['regressor']],
  // Its mask network has no parameters.
  ['masked_generation', ['maps'], ['align, where widths differ', 'generator']],
  ['activation_boundary', ['maps before ReLU'], ['connector, where widths differ']],
  ['overhaul', ['maps before ReLU'], ['connector']],
  ['softmax_regression', ['features', "the teacher's logits", "the teacher's parameters"], ['connector']],
  ['weights', ['parameters'], []],
  ['curriculum_temperature', ['logits'], ['temperature']],
  ['gradient', ['input gradients'], []],
  ['factor', ['maps'], ['paraphraser', 'translator']],
  ['contrastive', ['features', 'sample indices'], ['student', 'teacher']],
  ['attention_heads', ['attention scores'], []],
  ['hidden_states', ['hidden states'], ['projector, where widths differ']],
  ['minilm', ['queries', 'keys', 'values'], []],
  // The projector is part of the student.
  [
    'classifier_reuse',
    ["the student's projection", "the teacher's maps", "the teacher's parameters"],
    ['projector'],
  ],
])('%s lists what it needs', (type, needs, trains) => {
  expect(catalogue.find((entry) => entry.type === type)).toMatchObject({ needs, trains });
});

const options = z.strictObject({ weight: weightSchema.default(1) });
const described = (bind: Term['bind']) =>
  termRegistry([{ type: 'new', summary: 'new', formula: '0', options, bind }]).catalogue()[0];
const reads = (student: string[], teacher: string[]): BoundTerm => ({
  student,
  teacher,
  matching: false,
  auxiliary: {},
  loss: () => tf.scalar(0),
});

test('a term that does not fit convolutions is bound to attention', () => {
  const entry = described((_options, student) => {
    if (!('attention1' in student)) throw new TapError('/student', 'has no attention', undefined);
    return reads(['attention1', 'attention2', 'hidden1'], ['attention1', 'values2']);
  });
  expect(entry).toMatchObject({
    needs: ['attention scores', "the student's hidden states", "the teacher's values"],
    trains: [],
  });
});

test('a term that learns from a component is bound to the student on both sides', () => {
  const term: Term = {
    type: 'new',
    summary: 'new',
    formula: '0',
    options,
    component: () => ({ type: 'average' }),
    bind(_options, student, teacher, parameters) {
      expect(teacher).toEqual(student);
      expect(parameters.teacher).toEqual({});
      expect(Object.keys(parameters.student)).not.toEqual([]);
      return reads(['logits'], ['logits']);
    },
  };
  expect(termRegistry([term]).catalogue()[0]).toMatchObject({ needs: ['logits'] });
});

test('a term that fits no sample network is an error', () => {
  const bind = () => {
    throw new TapError('', 'fits nothing', undefined);
  };
  expect(() => described(bind)).toThrow('new fits none of the sample networks in needs.ts');
});
