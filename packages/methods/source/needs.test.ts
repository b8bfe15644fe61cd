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
  // Its mask is a network without parameters.
  ['masked_generation', ['maps'], ['align, where widths differ', 'generator']],
  ['activation_boundary', ['maps from before ReLU'], ['connector, where widths differ']],
  ['overhaul', ['maps from before ReLU'], ['connector']],
  ['softmax_regression', ['features', "the teacher's logits", "the teacher's parameters"], ['connector']],
  ['weights', ['parameters'], []],
  ['curriculum_temperature', ['logits'], ['temperature']],
  ['gradient', ['gradients by the input'], []],
  ['factor', ['maps'], ['paraphraser', 'translator']],
  ['contrastive', ['features', 'the sample index'], ['student', 'teacher']],
  ['attention_heads', ['attention scores'], []],
  ['hidden_states', ['hidden states'], ['projector, where widths differ']],
  ['minilm', ['queries', 'keys', 'values'], []],
  // What it trains is part of the student.
  [
    'classifier_reuse',
    ["the student's projection", "the teacher's maps", "the teacher's parameters"],
    ['projector'],
  ],
])('%s tells what it needs', (type, needs, trains) => {
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

test('a term that convolutions do not fit is asked about attention', () => {
  const entry = described((_options, student) => {
    if (!('attention1' in student)) throw new TapError('/student', 'has no attention', undefined);
    return reads(['attention1', 'attention2', 'hidden1'], ['attention1', 'values2']);
  });
  expect(entry).toMatchObject({
    needs: ['attention scores', "the student's hidden states", "the teacher's values"],
    trains: [],
  });
});

test('a term that fits nothing says so', () => {
  const bind = () => {
    throw new TapError('', 'fits nothing', undefined);
  };
  expect(() => described(bind)).toThrow('new fits none of the networks that needs.ts knows');
});
