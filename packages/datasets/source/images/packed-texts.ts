/** Texts in shared memory, which threads get without a copy: a data set may have millions of names. */
export interface PackedTexts {
  /** The texts in UTF-8, one after the other. */
  bytes: Uint8Array;
  /** Where each text ends. */
  ends: Float64Array;
}

const utf8 = new TextDecoder();

export function packTexts(texts: readonly string[]): PackedTexts {
  const ends = new Float64Array(new SharedArrayBuffer(8 * texts.length));
  let length = 0;
  texts.forEach((text, index) => {
    length += Buffer.byteLength(text);
    ends[index] = length;
  });
  const bytes = Buffer.from(new SharedArrayBuffer(length));
  texts.forEach((text, index) => bytes.write(text, index === 0 ? 0 : ends[index - 1]));
  return { bytes: new Uint8Array(bytes.buffer, 0, length), ends };
}

export function textAt({ bytes, ends }: PackedTexts, index: number): string {
  return utf8.decode(bytes.slice(index === 0 ? 0 : ends[index - 1], ends[index]));
}
