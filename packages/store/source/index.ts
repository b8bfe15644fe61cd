export { areIntact, claim, isIntact, isLost, verifyContent } from './intact.ts';
export { localFile, type LocalFileOptions } from './local-file.ts';
export { makeRoom, touch } from './make-room.ts';
export { openStore, storeUrl } from './open-store.ts';
export { storeKinds } from './stores/index.ts';
export { type LocalCache, storeCache, type StoreContext, type StoreKind } from './store-kind.ts';
export type { BlobInfo, BlobReader, ByteRange, Commit, ManifestSchema, OpenOptions, Store } from './store.ts';
