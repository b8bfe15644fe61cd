import { sharedMemory } from '../shared-memory.ts';
import type { ReaderDescription, ReaderKind } from './reader.ts';

/** Inputs in memory that all threads of this process share. */
export interface MemoryRows extends ReaderDescription {
  kind: 'memory';
  /** `[count × bytes]` in a SharedArrayBuffer, which is passed to threads without a copy. */
  inputs: Uint8Array;
}

export const memory: ReaderKind<MemoryRows> = {
  type: 'memory',
  open({ inputs, bytes }) {
    return {
      read(indices, into) {
        indices.forEach((index, place) =>
          into.set(inputs.subarray(index * bytes, (index + 1) * bytes), place * bytes),
        );
      },
      close: () => {},
    };
  },
};

/**
 * Describes inputs in memory, after copying them to shared memory where necessary.
 *
 * @param inputs `[count, …shape]`, row-major
 */
export function memoryRows(
  inputs: Uint8Array,
  { count, shape, bytes, digest }: Omit<ReaderDescription, 'kind' | 'module'>,
): MemoryRows {
  if (inputs.length !== count * bytes)
    throw new RangeError(`${inputs.length} bytes are not ${count} inputs of ${bytes} bytes`);
  let shared = inputs;
  if (!(inputs.buffer instanceof SharedArrayBuffer)) {
    shared = sharedMemory(inputs.length);
    shared.set(inputs);
  }
  return { kind: 'memory', count, shape, bytes, digest, inputs: shared };
}
