export { describeStore, type OpenedStore } from './conformance.ts';
export { startS3Server, type Fault, type S3TestServer } from './s3-server.ts';
export { blobFile, flipByte, manifestFile } from './files.ts';
export { layout } from '../layout.ts';
