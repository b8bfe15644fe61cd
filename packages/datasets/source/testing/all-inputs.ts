import type { Split } from '../dataset.ts';
import { openReader } from '../readers/index.ts';

/** Reads all inputs of a split, `[count × bytes]`. */
export async function allInputs({ reader: description, count }: Split): Promise<Uint8Array<ArrayBuffer>> {
  const reader = await openReader(description);
  try {
    const inputs = new Uint8Array(count * reader.bytes);
    await reader.read(
      Int32Array.from({ length: count }, (_, index) => index),
      inputs,
    );
    return inputs;
  } finally {
    await reader.close();
  }
}
