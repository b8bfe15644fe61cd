import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';

/** Rows of bytes that are kept in a file, each with a checksum. */
export interface KeptRows {
  /** Copies a row to `place` of `into`; returns false where the file does not have it, or has it damaged. */
  read(row: number, into: Uint8Array, place: number): boolean;
  /** Keeps a row where there is room for it. */
  write(row: number, bytes: Uint8Array): void;
  close(): void;
}

/** Begins the checksum of each row. A hole of the file, which reads as zeros, has no such mark. */
const mark = 0x524f5753;
const trailerBytes = 8;

/** The bytes of the file that a row takes. */
export function keptRowBytes(bytes: number): number {
  return bytes + trailerBytes;
}

/**
 * Opens a file of rows, or creates it. Processes share it without a lock: each of them would write the same row to the same place,
 * and the checksum finds a row that is half written.
 *
 * @param bytes those of a row
 * @param rows the number of rows for which there is room
 */
export function openKeptRows(path: string, bytes: number, rows: number): KeptRows {
  const file = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  const slotBytes = keptRowBytes(bytes);
  const slot = Buffer.alloc(slotBytes);
  let full = false;
  return {
    read(row, into, place) {
      if (row >= rows || readSync(file, slot, 0, slotBytes, row * slotBytes) !== slotBytes) return false;
      if (slot.readUInt32LE(bytes) !== mark) return false;
      const content = slot.subarray(0, bytes);
      // The row is part of the sum, so that a row in the place of another does not count.
      if (slot.readUInt32LE(bytes + 4) !== crc32(content, row)) return false;
      into.set(content, place * bytes);
      return true;
    },
    write(row, content) {
      if (row >= rows || full) return;
      slot.set(content);
      slot.writeUInt32LE(mark, bytes);
      slot.writeUInt32LE(crc32(content, row), bytes + 4);
      try {
        writeSync(file, slot, 0, slotBytes, row * slotBytes);
      } catch {
        // A full disk makes reading slower, not wrong.
        full = true;
      }
    },
    close: () => closeSync(file),
  };
}
