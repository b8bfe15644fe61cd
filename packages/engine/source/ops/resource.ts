import * as tf from '@tensorflow/tfjs-core';
import { noteResource } from '../compiled/recorder.ts';
import { type Attribute, execute, flag, shapeOf, text, type, types } from '../backends/native.ts';

/** The name by which TensorFlow marks anonymous variables, which live as long as their handle. */
const anonymous = 'cd2c89b7-88b7-44c8-ad83-06c2a9158347';

/** A TensorFlow variable, which TensorFlow's optimizers update in place. */
export interface Resource {
  handle: tf.Tensor;
  /** Returns the value. It shares memory with the variable until the variable changes. */
  read(): tf.Tensor;
  assign(value: tf.Tensor): void;
}

/**
 * Creates a variable.
 *
 * @param value its initial value, float32
 */
export function createResource(value: tf.Tensor): Resource {
  const float32 = [type('dtype', types.float32)];
  const [handle] = execute(
    'VarHandleOp',
    [...float32, shapeOf('shape', value.shape), text('container', ''), text('shared_name', anonymous)],
    [],
  );
  noteResource(handle, value.shape);
  const resource = {
    handle,
    read: () => execute('ReadVariableOp', float32, [handle])[0],
    assign: (next: tf.Tensor) => void execute('AssignVariableOp', float32, [handle, next], 0),
  };
  resource.assign(value);
  return resource;
}

/** Runs a TensorFlow operation `ResourceApply…` on float32 variables. */
export function applyTo(
  operation: 'Adam' | 'GradientDescent' | 'Momentum',
  resources: readonly Resource[],
  inputs: readonly tf.Tensor[],
  attributes: readonly Attribute[] = [],
): void {
  execute(
    `ResourceApply${operation}`,
    [type('T', types.float32), flag('use_locking', false), ...attributes],
    [...resources.map(({ handle }) => handle), ...inputs],
    0,
  );
}
