import { readSync, writeSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { asDistilleryError, DistilleryError } from '@distillery/spec';

/** Receives the samples of a split while a source decodes them. */
export interface SplitWriter {
  /**
   * Writes a sample to a position. Positions may come in any order, each at most once. Positions without a sample are left
   * out at the end, and later samples move up.
   *
   * @param label −1 for a sample without a class
   * @param input the bytes of the sample; all inputs have the same length
   * @throws DistilleryError `disk_full`, or `data_unavailable` when the file cannot be written
   */
  put(position: number, label: number, input: Uint8Array): void;
}

/** The bytes of one write: consecutive samples are collected into one. */
const writeBytes = 1 << 20;

/** A file into which the inputs of a split are written. It needs memory for one write and four bytes for each sample. */
export class SplitDraft implements SplitWriter {
  readonly file: FileHandle;
  /** The bytes of one input. */
  private bytes = 0;
  /** The label of each position plus two; 0 for a position without a sample. */
  private filled = new Int32Array(1024);
  private end = 0;
  /** Content that is not yet written, and its position `at` in the file. */
  private readonly waiting = { bytes: Buffer.alloc(writeBytes), at: 0, length: 0 };

  private constructor(file: FileHandle) {
    this.file = file;
  }

  /** @throws DistilleryError `disk_full`, or `data_unavailable` when the file cannot be created */
  static async create(path: string): Promise<SplitDraft> {
    return new SplitDraft(await open(path, 'wx+').catch((error: unknown) => refuse(error)));
  }

  put(position: number, label: number, input: Uint8Array): void {
    this.bytes ||= input.length;
    if (input.length !== this.bytes)
      throw new RangeError(`an input has ${input.length} bytes, expected ${this.bytes}`);
    if (position >= this.filled.length) {
      const longer = new Int32Array(2 * position);
      longer.set(this.filled);
      this.filled = longer;
    }
    this.filled[position] = label + 2;
    this.end = Math.max(this.end, position + 1);
    this.write(position * this.bytes, input);
  }

  /**
   * Closes the gaps between samples and truncates the file.
   *
   * @returns `[count]`, the labels in the order of the file
   */
  async finish(): Promise<Int32Array> {
    this.flush();
    let count = 0;
    const row = Buffer.alloc(this.bytes);
    for (let position = 0; position < this.end; position++) {
      const label = this.filled[position];
      if (label === 0) continue;
      if (count < position) {
        readSync(this.file.fd, row, 0, this.bytes, position * this.bytes);
        this.write(count * this.bytes, row);
      }
      this.filled[count++] = label;
    }
    this.flush();
    await this.file.truncate(count * this.bytes);
    return this.filled.subarray(0, count).map((label) => label - 2);
  }

  /** Appends bytes to the finished file. */
  async append(content: Uint8Array): Promise<void> {
    const { size } = await this.file.stat();
    this.write(size, content);
    this.flush();
  }

  private write(at: number, content: Uint8Array): void {
    const { waiting } = this;
    if (at !== waiting.at + waiting.length || waiting.length + content.length > writeBytes) {
      this.flush();
      waiting.at = at;
    }
    if (content.length > writeBytes) {
      this.writeOut(content, at);
      waiting.at = at + content.length;
      return;
    }
    waiting.bytes.set(content, waiting.length);
    waiting.length += content.length;
  }

  private flush(): void {
    const { bytes, at, length } = this.waiting;
    this.writeOut(bytes.subarray(0, length), at);
    this.waiting.at = at + length;
    this.waiting.length = 0;
  }

  /** Writes synchronously, so that writes of images that are decoded in parallel keep their order. */
  private writeOut(content: Uint8Array, at: number): void {
    try {
      for (let done = 0; done < content.length; )
        done += writeSync(this.file.fd, content, done, content.length - done, at + done);
    } catch (error) {
      refuse(error);
    }
  }
}

/**
 * Ends the load when the disk refuses a write: decoding into memory instead would need as much memory as the data set.
 *
 * @throws DistilleryError `disk_full`, or `data_unavailable` with the reason
 */
export function refuse(error: unknown): never {
  const known = asDistilleryError(error);
  if (known.code !== 'internal') throw known;
  throw new DistilleryError('data_unavailable', `the decoded copy cannot be written: ${known.message}`, {
    cause: error,
  });
}
