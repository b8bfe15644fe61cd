export { describeStore, type OpenedStore } from './conformance.ts';
export { blobFile, flipByte, manifestFile } from './files.ts';
