import type { randomStream } from '@distillery/engine/random';

type Stream = ReturnType<typeof randomStream>;

const numbers = [0, 1, 127, 128, 255, 256, 32_767, 65_535, 65_536, 0x7fffffff, 0x80000000, 0xffffffff];

/** A copy of a file with one to four changes: bytes that are changed, lost, repeated or added, and extreme numbers. */
export function mutated(file: Buffer, stream: Stream): Buffer {
  let bytes: Buffer = Buffer.from(file);
  for (let changes = 1 + stream.below(4); changes > 0; changes--) bytes = changed(bytes, stream);
  return bytes;
}

function changed(bytes: Buffer, stream: Stream): Buffer {
  if (bytes.length < 8) return Buffer.concat([bytes, Buffer.from('\n"0,')]);
  // Most structure is at the beginning and at the end.
  const anywhere = stream.below(bytes.length - 4);
  const at = [
    anywhere,
    Math.min(anywhere, stream.below(64)),
    Math.max(anywhere, bytes.length - 4 - stream.below(200), 0),
  ][stream.below(3)];
  const length = 1 + stream.below(Math.min(64, bytes.length - at));
  switch (stream.below(6)) {
    case 0:
      bytes[at] ^= 1 << stream.below(8);
      return bytes;
    case 1:
      bytes[at] = stream.below(256);
      return bytes;
    case 2:
      if (stream.below(2) === 0) bytes.writeUInt32BE(numbers[stream.below(numbers.length)], at);
      else bytes.writeUInt32LE(numbers[stream.below(numbers.length)], at);
      return bytes;
    case 3:
      return bytes.subarray(0, at);
    case 4:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
    default:
      return Buffer.concat([
        bytes.subarray(0, at + length),
        bytes.subarray(at, at + length),
        bytes.subarray(at + length),
      ]);
  }
}
