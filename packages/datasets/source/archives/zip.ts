import type { Entry, ZipFile } from 'yauzl';
import { openRegularFile } from '../regular-file.ts';
import type { ArchiveFormat, OpenedArchive, RawEntry } from './format.ts';
import { zipContent } from './zip-content.ts';

const signatures = [
  [0x50, 0x4b, 3, 4],
  // An archive without entries.
  [0x50, 0x4b, 5, 6],
];
/** The kind of a file in the upper half of its attributes, as stat(2) has it. */
const [kindBits, symlinkKind] = [0o170000, 0o120000];

export const zip: ArchiveFormat = {
  type: 'zip',
  matches: (head) => signatures.some((signature) => signature.every((byte, index) => head[index] === byte)),
  entries,
  open,
};

async function* entries(path: string, signal?: AbortSignal): AsyncGenerator<RawEntry> {
  const { getFileNameLowLevel } = await import('yauzl');
  const file = await opened(path);
  try {
    for await (const entry of file.eachEntry()) {
      signal?.throwIfAborted();
      const raw = entry.fileName as unknown as Buffer;
      const name = getFileNameLowLevel(entry.generalPurposeBitFlag, raw, entry.extraFields, false);
      yield {
        name,
        size: entry.uncompressedSize,
        type: typeOf(entry, name),
        read: () => contents(file, entry, name),
        place: placeOf(entry),
      };
    }
  } finally {
    file.close();
  }
}

async function opened(path: string): Promise<ZipFile> {
  // A pipe must be refused before yauzl waits for it.
  await (await openRegularFile(path)).close();
  const { openPromise } = await import('yauzl');
  // Names are decoded here: yauzl refuses the whole archive for one that leads out of it.
  return openPromise(path, { autoClose: false, lazyEntries: true, decodeStrings: false });
}

function typeOf(entry: Entry, name: string): string {
  if (name.endsWith('/')) return 'directory';
  if (((entry.externalFileAttributes >>> 16) & kindBits) === symlinkKind) return 'symlink';
  return entry.isEncrypted() ? 'encrypted file' : 'file';
}

async function contents(file: ZipFile, entry: Entry, name: string): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of zipContent(file, entry, `${name}: its checksum is wrong`)) parts.push(part);
  return Buffer.concat(parts);
}

/** What yauzl needs for reading the contents of an entry. */
const placeFields = [
  'relativeOffsetOfLocalHeader',
  'compressedSize',
  'uncompressedSize',
  'compressionMethod',
  'generalPurposeBitFlag',
  'crc32',
] as const;

function placeOf(entry: Entry): string {
  return placeFields.map((field) => entry[field]).join(' ');
}

async function open(path: string): Promise<OpenedArchive> {
  const { Entry: ZipEntry } = await import('yauzl');
  const file = await opened(path);
  return {
    read(place) {
      const entry = new ZipEntry();
      place
        .split(' ')
        .forEach((value, index) => Object.assign(entry, { [placeFields[index]]: Number(value) }));
      return contents(file, entry, 'the entry');
    },
    close: () => file.close(),
  };
}
