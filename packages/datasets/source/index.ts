import { registry } from '@distillery/spec';
import { cifar10 } from './sources/cifar10.ts';
import { imageFolder } from './sources/image-folder.ts';
import type { DatasetKind } from './dataset.ts';
import { shapes } from './sources/shapes.ts';
import { textCsv } from './sources/text-csv.ts';

export { cifar10Reachable } from './sources/cifar10.ts';
export type { Dataset, DatasetContext, DatasetKind, DatasetOutline, Split } from './dataset.ts';
export { inputBytes } from './decoded.ts';
export { splitValidation } from './split.ts';
export { augmentationIdentity } from './transforms/identity.ts';

/** Every source; the wire form of a choice is `{"source": "cifar10", …options}`. */
export const datasets = registry<DatasetKind, 'source'>([cifar10, imageFolder, shapes, textCsv], 'source');
