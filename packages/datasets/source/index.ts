import { registry } from '@distillery/spec';
import { cifar10 } from './sources/cifar10.ts';
import { idx } from './sources/idx.ts';
import { imageFolder } from './sources/image-folder.ts';
import { cifar100 } from './sources/cifar100.ts';
import type { DatasetKind } from './dataset.ts';
import { imageParquet } from './sources/image-parquet.ts';
import { imageTable } from './sources/image-table.ts';
import { npz } from './sources/npz.ts';
import { shapes } from './sources/shapes.ts';
import { table } from './sources/table.ts';
import { textCsv } from './sources/text-csv.ts';
import { uploaded } from './sources/uploaded.ts';
import { webdataset } from './sources/webdataset.ts';

export { sha256OfFile } from './download.ts';
export { cifar10Reachable } from './sources/cifar10.ts';
export {
  type About,
  type Dataset,
  type DatasetContext,
  type DatasetKind,
  type DatasetOutline,
  inputBytes,
  type InputKind,
  inputKind,
  type Split,
} from './dataset.ts';
export { memoryDataset, memorySplit } from './memory-dataset.ts';
export {
  openReader,
  type Reader,
  type ReaderDescription,
  type ReaderKind,
  readers,
} from './readers/index.ts';
export { profileDataset } from './profile/profile.ts';
export { recognise } from './recognise.ts';
export { parquetThread } from './rows/parquet-thread.ts';
export { openRegularFile } from './regular-file.ts';
export { samplesByClass } from './samples-by-class.ts';
export { resolveSourcePath } from './source-path.ts';
export { type StoredFile, storedFile, storedPath } from './stored-file.ts';
export { splitValidation, trainingCounts, type TrainingIndices, trainingIndices } from './split.ts';
export { textDecoder } from './texts/tokenizer.ts';
export {
  augmentationIdentity,
  augmentationName,
  isAugmented,
  mixesLabels,
  transformsOf,
} from './transforms/identity.ts';
export { type Changed, type Transform, transforms } from './transforms/index.ts';

/** The data sources. A job chooses one as `{"source": "cifar10", …options}`. */
export const datasets = registry<DatasetKind, 'source'>(
  [
    cifar10,
    cifar100,
    idx,
    imageFolder,
    imageParquet,
    imageTable,
    npz,
    shapes,
    table,
    textCsv,
    uploaded,
    webdataset,
  ],
  'source',
);
