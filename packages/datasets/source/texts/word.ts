import { z } from 'zod';
import type { TokenizerKind } from './tokenizer.ts';

/** Matches words, with the part after an apostrophe, and single other signs. Its repetitions are bounded. */
const pattern = String.raw`[\p{L}\p{M}\p{N}]{1,64}(?:['’]\p{L}{1,16})?|\S`;
const expression = new RegExp(pattern, 'gu');

/** The number of ids with a fixed meaning: padding, and words that are not in the vocabulary. */
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
  lowercase: z.boolean().default(true).describe('Whether texts are converted to lower case first.'),
});

/** Whole words: id 0 is padding, 1 is every word that is not in `words`, and 2 + i is `words[i]`. */
export interface Words {
  /** A regular expression that matches the words of a text in Unicode's normal form C, lower-cased if `lowercase`. */
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
  decoder({ words }) {
    return (ids) => ids.map((id) => words[id - reserved] ?? '�').join(' ');
  },
};
