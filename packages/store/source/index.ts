export { openDiskStore } from './file/disk-store.ts';
export type { BlobInfo, ByteRange, Commit, Store } from './store.ts';
