import { registry } from '@distillery/spec';
import { cifar10 } from './cifar10.ts';
import { imageFolder } from './image-folder.ts';
import type { DatasetKind } from './dataset.ts';
import { shapes } from './shapes.ts';
import { textCsv } from './text-csv.ts';

export { cifar10Reachable } from './cifar10.ts';
export type { Dataset, DatasetContext, DatasetKind, DatasetOutline, Split } from './dataset.ts';
export { inputBytes } from './decoded.ts';
export { splitValidation } from './split.ts';

/** Every source; the wire form of a choice is `{"source": "cifar10", …options}`. */
export const datasets = registry<DatasetKind, 'source'>([cifar10, imageFolder, shapes, textCsv], 'source');
