import { closeSync, openSync, readSync } from 'node:fs';
import { DistilleryError } from '@distillery/spec/errors';
import { adjacentReads } from './adjacent-reads.ts';
import type { ReaderDescription, ReaderKind } from './reader.ts';

/** Inputs that follow each other in a file. */
export interface FileRows extends ReaderDescription {
  kind: 'file';
  path: string;
  /** The position of the first input in the file, in bytes. */
  offset: number;
  /** The most bytes of inputs that a thread keeps in memory; a larger split is read from the file each time. */
  memory: number;
}

/** The bytes of one read; a longer input is read alone. */
const blockBytes = 1 << 18;

/** Rows that were read, shared by all readers of this thread over the same part of a file. */
interface Kept {
  rows: Uint8Array;
  /** For each block of rows: 1 when it has been read. */
  present: Uint8Array;
  users: number;
}
const kept = new Map<string, Kept>();
let keptBytes = 0;

/**
 * Reads inputs from a file. A split that fits into `memory` is read only once, block by block as its inputs are needed: a
 * system call for each input would take several times as long as its copy.
 */
export const file: ReaderKind<FileRows> = {
  type: 'file',
  open(description) {
    const { path, offset, bytes, count } = description;
    const blockRows = Math.max(1, Math.floor(blockBytes / bytes));
    const descriptor = openFile(path);
    const cache = keep(description, Math.ceil(count / blockRows));
    const block = cache === undefined ? new Uint8Array(Math.max(blockBytes, bytes)) : undefined;
    return {
      read(indices, into) {
        if (cache !== undefined) {
          for (const [place, index] of indices.entries()) {
            readBlock(cache, Math.floor(index / blockRows));
            copy(cache.rows, index, into, place);
          }
        } else {
          for (const { first, end, places } of adjacentReads(indices, bytes, blockBytes)) {
            fill(block as Uint8Array, 0, first, end);
            for (const place of places) copy(block as Uint8Array, indices[place] - first, into, place);
          }
        }
      },
      close() {
        closeSync(descriptor);
        if (cache !== undefined) release(description, cache);
      },
    };

    function copy(rows: Uint8Array, row: number, into: Uint8Array, place: number): void {
      into.set(rows.subarray(row * bytes, (row + 1) * bytes), place * bytes);
    }

    function readBlock({ rows, present }: Kept, index: number): void {
      if (present[index] === 1) return;
      const first = index * blockRows;
      fill(rows, first * bytes, first, Math.min(count, first + blockRows));
      present[index] = 1;
    }

    /** Reads the rows from `first` up to `end`, exclusive, into `target` at `at`. */
    function fill(target: Uint8Array, at: number, first: number, end: number): void {
      const wanted = (end - first) * bytes;
      for (let got = 0; got < wanted; ) {
        const now = readSync(descriptor, target, at + got, wanted - got, offset + first * bytes + got);
        if (now === 0) throw unavailable(path, `ends before input ${first + Math.floor(got / bytes)}`);
        got += now;
      }
    }
  },
};

function openFile(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (cause) {
    throw unavailable(path, (cause as Error).message, cause);
  }
}

/** `data_unavailable` is retryable, and the next attempt decodes missing or damaged copies again. */
function unavailable(path: string, reason: string, cause?: unknown): DistilleryError {
  return new DistilleryError('data_unavailable', `the decoded copy ${path}: ${reason}`, { cause });
}

function keep({ path, offset, count, bytes, memory }: FileRows, blocks: number): Kept | undefined {
  const known = kept.get(keyOf(path, offset));
  if (known !== undefined) {
    known.users++;
    return known;
  }
  if (keptBytes + count * bytes > memory) return undefined;
  const fresh = { rows: new Uint8Array(count * bytes), present: new Uint8Array(blocks), users: 1 };
  keptBytes += fresh.rows.length;
  kept.set(keyOf(path, offset), fresh);
  return fresh;
}

function release({ path, offset }: FileRows, cache: Kept): void {
  if (--cache.users > 0) return;
  kept.delete(keyOf(path, offset));
  keptBytes -= cache.rows.length;
}

function keyOf(path: string, offset: number): string {
  return `${offset} ${path}`;
}
