import { type Duplex, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { openRegularFile } from '../regular-file.ts';
import type { ArchiveFormat, RawEntry } from './format.ts';

/** The most unpacked bytes between two entries: headers and padding. A malicious file may consist of padding alone. */
const MAX_GAP_BYTES = 16 * 2 ** 20;

export const tar: ArchiveFormat = {
  type: 'tar',
  // Old tar files have no signature; other files fail at their first header.
  matches: () => true,
  entries: (path, signal) => tarEntries(path, [], signal),
};

/** @param unpack the streams that decompress the file */
export async function* tarEntries(
  path: string,
  unpack: readonly Duplex[],
  signal?: AbortSignal,
): AsyncGenerator<RawEntry> {
  const { extract } = await import('tar-stream');
  const file = await openRegularFile(path);
  const archive = extract();
  // Its error reaches the loop through `archive`, which the pipeline destroys with the error.
  const meter = byteMeter();
  const source = file.createReadStream({ highWaterMark: 1 << 20 });
  const flow = pipeline([source, ...unpack, meter.stage, archive], { signal });
  flow.catch(() => {});
  try {
    for await (const entry of archive) {
      const { name, size, type } = entry.header;
      meter.allow(size);
      const plain = type === 'contiguous-file' ? 'file' : (type ?? 'file');
      yield { name, size, type: plain, read: async () => Buffer.concat(await chunks(entry)) };
      entry.resume();
    }
    await flow;
  } finally {
    archive.destroy();
  }
}

/** A stream that fails when far more bytes pass than the entries so far account for. */
function byteMeter() {
  let passed = 0;
  let allowed = MAX_GAP_BYTES;
  const stage = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      passed += chunk.length;
      if (passed <= allowed) done(null, chunk);
      else done(new RangeError(`more than ${MAX_GAP_BYTES} bytes follow that belong to no entry`));
    },
  });
  return {
    stage,
    allow(size: number) {
      allowed = passed + size + MAX_GAP_BYTES;
    },
  };
}

async function chunks(entry: AsyncIterable<unknown>): Promise<Buffer[]> {
  const parts: Buffer[] = [];
  for await (const part of entry) parts.push(part as Buffer);
  return parts;
}
