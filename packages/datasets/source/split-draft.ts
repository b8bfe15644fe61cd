import { readSync, writeSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { asDistilleryError, DistilleryError } from '@distillery/spec';

/** Where a source puts the samples of a split as it decodes them. */
export interface SplitWriter {
  /**
   * Puts a sample at a position: positions come in any order, each at most once. Those that are never filled are left
   * out, and the others move together.
   *
   * @param input its bytes, as many as every other input has
   * @throws DistilleryError `disk_full`, or `data_unavailable` where the file cannot be written
   */
  put(position: number, label: number, input: Uint8Array): void;
}

/** Samples that follow each other are gathered into writes of so many bytes. */
const writeBytes = 1 << 20;

/** Inputs of a split in a file that is being written; memory is bounded by one write and four bytes a sample. */
export class SplitDraft implements SplitWriter {
  readonly file: FileHandle;
  /** Of one input. */
  private bytes = 0;
  /** One more than the label of each position; 0 where it is not filled. */
  private filled = new Int32Array(1024);
  private end = 0;
  /** What waits to be written, from the byte `at` on. */
  private readonly waiting = { bytes: Buffer.alloc(writeBytes), at: 0, length: 0 };

  private constructor(file: FileHandle) {
    this.file = file;
  }

  /** @throws DistilleryError `disk_full`, or `data_unavailable` where the file cannot be made */
  static async create(path: string): Promise<SplitDraft> {
    return new SplitDraft(await open(path, 'wx+').catch((error: unknown) => refuse(error)));
  }

  put(position: number, label: number, input: Uint8Array): void {
    this.bytes ||= input.length;
    if (input.length !== this.bytes)
      throw new RangeError(`an input of ${input.length} bytes among others of ${this.bytes}`);
    if (position >= this.filled.length) {
      const longer = new Int32Array(2 * position);
      longer.set(this.filled);
      this.filled = longer;
    }
    this.filled[position] = label + 1;
    this.end = Math.max(this.end, position + 1);
    this.write(position * this.bytes, input);
  }

  /**
   * Moves the filled positions together and cuts off the rest.
   *
   * @returns `[count]` labels in the order of the file
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
    return this.filled.subarray(0, count).map((label) => label - 1);
  }

  /** Adds bytes behind what `finish` left. */
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

  /** Synchronous, so that writes of images that are decoded at once cannot overtake each other. */
  private writeOut(content: Uint8Array, at: number): void {
    try {
      for (let done = 0; done < content.length; )
        done += writeSync(this.file.fd, content, done, content.length - done, at + done);
    } catch (error) {
      refuse(error);
    }
  }
}

/** Decoding into memory instead would take as much of it as the data are large, so a disk that refuses ends the load. */
export function refuse(error: unknown): never {
  const known = asDistilleryError(error);
  if (known.code !== 'internal') throw known;
  throw new DistilleryError('data_unavailable', `the decoded copy cannot be written: ${known.message}`, {
    cause: error,
  });
}
