import { z } from 'zod';
import type { TokenizerKind } from './tokenizer.ts';

/** Words with what an apostrophe joins to them, and every other sign by itself; bounded, since texts may hold anything. */
const pattern = String.raw`[\p{L}\p{M}\p{N}]{1,64}(?:['’]\p{L}{1,16})?|\S`;
const expression = new RegExp(pattern, 'gu');

/** Ids of padding and of all words that are not in the vocabulary. */
const reserved = 2;

const options = z.strictObject({
  type: z.literal('word'),
  vocabulary: z
    .int()
    .min(reserved + 1)
    .max(65_536)
    .default(10_000)
    .describe(
      'The number of ids: one for padding, one for all other words, and the rest for the most frequent words of the training texts.',
    ),
  lowercase: z.boolean().default(true),
});

/** Whole words; 0 is padding, 1 every other word, 2 + i the i-th of `words`. */
export interface Words {
  /** Of a text in Unicode's normal form C, in small letters where `lowercase` says so: its matches are words. */
  pattern: string;
  type: 'word';
  lowercase: boolean;
  words: string[];
}

export const word: TokenizerKind<typeof options, Words> = {
  options,
  pieces(text, { lowercase }) {
    const normal = text.normalize('NFC');
    return (lowercase ? normal.toLowerCase() : normal).match(expression) ?? [];
  },
  async learn(counts, { vocabulary, lowercase }) {
    const words = [...counts]
      .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
      .slice(0, vocabulary - reserved)
      .map(([name]) => name);
    return { type: 'word', pattern, lowercase, words };
  },
  encoder({ words }) {
    const ids = new Map(words.map((name, index) => [name, [reserved + index]]));
    return (piece) => ids.get(piece) ?? [1];
  },
};
