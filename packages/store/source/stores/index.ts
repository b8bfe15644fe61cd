import { kindList } from '@distillery/spec/kind-list';
import type { StoreKind } from '../store-kind.ts';
import { file } from './file.ts';
import { s3 } from './s3.ts';

/** Every kind of store, by the scheme of its URLs. */
export const storeKinds = kindList<StoreKind>('store', ({ scheme }) => scheme, [file, s3]);
