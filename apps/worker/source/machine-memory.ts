import { totalmem } from 'node:os';

/** The memory that this machine has, or its container may use, in bytes. */
export function memoryOfMachine(): number {
  const machine = totalmem();
  // 0 without a limit; some systems report an absurdly high one instead.
  const limit = process.constrainedMemory();
  return limit > 0 && limit < machine ? limit : machine;
}
