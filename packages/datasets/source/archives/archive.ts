import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';

/** An image larger than this is not training data; the bound keeps a hostile archive out of memory. */
export const MAX_FILE_BYTES = 64 * 2 ** 20;
export const MAX_FILES = 2_000_000;
/** Unpacked bytes that are read at most, wanted or not: a small gzip file can unpack to terabytes. */
const MAX_UNPACKED_BYTES = 256 * 2 ** 30;
/** Unpacked bytes between the end of one entry and the next: headers and padding, of which a bomb may consist alone. */
const MAX_GAP_BYTES = 16 * 2 ** 20;

export interface ArchiveEntry {
  /** Relative, with `/` between its parts and neither `.` nor `..` among them. */
  name: string;
  size: number;
  /** The contents; what is not read is skipped. Only before the next entry is asked for. */
  read(): Promise<Buffer>;
}

/**
 * Walks a .tar or .tar.gz (told by its first bytes) in the order of the file, without unpacking it to disk. Only plain
 * files with names that stay inside are given out; links, devices and other names go to `refuse`.
 *
 * @throws RangeError past a bound, and whatever reading, gunzip or the tar format report
 */
export async function* archiveEntries(
  path: string,
  refuse: (name: string, reason: string) => void = () => {},
  signal?: AbortSignal,
): AsyncGenerator<ArchiveEntry> {
  const tar = extract();
  const stages = (await isGzip(path)) ? [createGunzip()] : [];
  // its error reaches the walk through `tar`, which pipeline destroys with it
  const meter = byteMeter();
  const flow = pipeline([createReadStream(path, { highWaterMark: 1 << 20 }), ...stages, meter.stage, tar], {
    signal,
  });
  flow.catch(() => {});
  let entries = 0;
  let unpacked = 0;
  try {
    for await (const entry of tar) {
      const { name: raw, size, type } = entry.header;
      if (++entries > MAX_FILES) throw new RangeError(`more than ${MAX_FILES} entries`);
      unpacked += size;
      meter.allow(size);
      if (unpacked > MAX_UNPACKED_BYTES)
        throw new RangeError(`unpacks to more than ${MAX_UNPACKED_BYTES} bytes`);
      const name = insideName(raw);
      if (type === 'file' || type === 'contiguous-file') {
        if (name === undefined) refuse(raw, 'its name leads out of the archive');
        else if (size > MAX_FILE_BYTES) throw new RangeError(`${raw}: ${size} bytes, past ${MAX_FILE_BYTES}`);
        else yield { name, size, read: async () => Buffer.concat(await chunks(entry)) };
      } else if (type !== 'directory') refuse(raw, `is a ${type}, not a file`);
      entry.resume();
    }
    await flow;
  } finally {
    tar.destroy();
  }
}

/** Ends the flow when more bytes pass than the entries that were met account for, however small the file is. */
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

async function isGzip(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
  } finally {
    await file.close();
  }
}

/** The name without `./` parts; undefined for one that is absolute or climbs. */
function insideName(raw: string): string | undefined {
  const parts = raw.split(/[/\\]/);
  if (parts[0] === '' || /^[a-z]:$/i.test(parts[0]) || parts.includes('..') || raw.includes('\0'))
    return undefined;
  return parts.filter((part) => part !== '' && part !== '.').join('/');
}
