import { conv2d, dense, depthwiseConv2d } from './kernels.ts';
import type { LayerKind } from './layer-kind.ts';
import * as maps from './maps.ts';

/** Every kind of layer. A new one is one description and one line here. */
export const layerKinds: readonly LayerKind[] = [
  conv2d,
  depthwiseConv2d,
  dense,
  maps.batchNormalization,
  maps.activationLayer,
  maps.relu,
  maps.maxPooling2d,
  maps.averagePooling2d,
  maps.globalAveragePooling2d,
  maps.flatten,
  maps.dropout,
  maps.add,
  maps.concatenate,
];

/**
 * Returns the kind of layer with that readable name.
 *
 * @throws RangeError if there is none
 */
export function layerKind(layer: string): LayerKind {
  const kind = layerKinds.find((known) => known.layer === layer);
  if (kind === undefined) throw new RangeError(`unknown layer ${JSON.stringify(layer)}`);
  return kind;
}
