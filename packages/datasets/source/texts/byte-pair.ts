import { z } from 'zod';
import { keyOf, learnMerges, type Merge, merged } from './merges.ts';
import type { TokenizerKind } from './tokenizer.ts';

/** Splits a text, without gaps, into words with the space before them, up to three digits, and runs of signs or spaces. */
const pattern = String.raw` ?[\p{L}\p{M}]{1,32}| ?\p{N}{1,3}| ?[^\s\p{L}\p{M}\p{N}]{1,16}|\s{1,16}(?!\S)|\s`;
const expression = new RegExp(pattern, 'gu');

/** The id of the first merge: the ids below it stand for padding and the 256 bytes, so that every text can be encoded. */
const firstMerge = 257;

const options = z.strictObject({
  type: z.literal('byte_pair'),
  vocabulary: z
    .int()
    .min(firstMerge)
    .max(32_768)
    .default(4096)
    .describe('The number of ids: one for padding, 256 for the bytes, and the rest for merged pairs.'),
});

/**
 * Byte pairs (Sennrich, Haddow and Birch, ACL 2016, arXiv:1508.07909) over UTF-8. Id 0 is padding, 1 + b is the byte b,
 * and 257 + i is the pair `merges[i]`. Encoding a piece merges, again and again, the pair that comes first in `merges` at
 * all its places, until no pair is left.
 */
export interface BytePair {
  /** A regular expression whose matches in a text, in Unicode's normal form C, are its pieces. */
  pattern: string;
  type: 'byte_pair';
  merges: Merge[];
}

export const bytePair: TokenizerKind<typeof options, BytePair> = {
  options,
  pieces: (text) => text.normalize('NFC').match(expression) ?? [],
  async learn(counts, { vocabulary }, signal) {
    const pieces = [...counts].map(([piece, count]) => ({ ids: bytesOf(piece), count }));
    const merges = await learnMerges(pieces, firstMerge, vocabulary - firstMerge, signal);
    return { type: 'byte_pair', pattern, merges };
  },
  encoder({ merges }) {
    const ids = new Map(merges.map(([left, right], index) => [keyOf(left, right), firstMerge + index]));
    return (piece) => {
      let tokens = bytesOf(piece);
      for (;;) {
        let first = Infinity;
        for (let i = 1; i < tokens.length; i++) {
          first = Math.min(first, ids.get(keyOf(tokens[i - 1], tokens[i])) ?? Infinity);
        }
        if (first === Infinity) return tokens;
        tokens = merged(tokens, merges[first - firstMerge], first);
      }
    };
  },
  decoder({ merges }) {
    const bytesOfId = (id: number): number[] =>
      id < firstMerge ? [id - 1] : merges[id - firstMerge].flatMap(bytesOfId);
    return (ids) => new TextDecoder().decode(Uint8Array.from(ids.flatMap(bytesOfId)));
  },
};

const utf8 = new TextEncoder();

function bytesOf(piece: string): number[] {
  return Array.from(utf8.encode(piece), (byte) => 1 + byte);
}
