import * as tf from '@tensorflow/tfjs-core';
import { type Attribute, execute, flag, shapeOf, text, type, types } from '../backends/native.ts';

/** TensorFlow's name for variables without one: each lives as long as its handle. */
const anonymous = 'cd2c89b7-88b7-44c8-ad83-06c2a9158347';

/** A variable of TensorFlow's own: what its optimizers change in place. */
export interface Resource {
  handle: tf.Tensor;
  /** Shares memory with the variable until that changes. */
  read(): tf.Tensor;
  assign(value: tf.Tensor): void;
}

/** @param value first value, float32 */
export function createResource(value: tf.Tensor): Resource {
  const float32 = [type('dtype', types.float32)];
  const [handle] = execute(
    'VarHandleOp',
    [...float32, shapeOf('shape', value.shape), text('container', ''), text('shared_name', anonymous)],
    [],
  );
  const resource = {
    handle,
    read: () => execute('ReadVariableOp', float32, [handle])[0],
    assign: (next: tf.Tensor) => void execute('AssignVariableOp', float32, [handle, next], 0),
  };
  resource.assign(value);
  return resource;
}

/** Runs one of TensorFlow's `ResourceApply…` operations on float32 variables. */
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
