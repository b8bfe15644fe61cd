import { z } from 'zod';
import { type BytePair, bytePair } from './byte-pair.ts';
import { type Words, word } from './word.ts';

/** Ids of tokens are 16 bits wide. */
export type Tokenizer = Words | BytePair;

/** A way to make ids of texts; a new one is a file and a line in `kinds`. */
export interface TokenizerKind<Options extends z.ZodObject, Learned extends { type: string }> {
  /** With `type` as a literal, and `vocabulary`, below which all ids are. */
  readonly options: Options;
  /** The pieces of a text, each of which is encoded by itself. */
  pieces(text: string, how: { type: string; lowercase?: boolean }): string[];
  /**
   * What is learned from pieces of training texts; depends on the counts, not on the order of the map.
   *
   * @param counts how often each piece was met
   * @throws the reason of the signal once it is aborted
   */
  learn(
    counts: ReadonlyMap<string, number>,
    options: z.output<Options>,
    signal?: AbortSignal,
  ): Promise<Learned>;
  /** Ids of a piece of `pieces`; none is 0, which is padding. */
  encoder(learned: Learned): (piece: string) => readonly number[];
}

const kinds = { word, byte_pair: bytePair };

export const tokenizerOptions = z.discriminatedUnion('type', [word.options, bytePair.options], {
  error: (issue) => (issue.code === 'invalid_union' ? 'must be one of: word, byte_pair' : undefined),
});
export type TokenizerOptions = z.output<typeof tokenizerOptions>;

/** The kind of a choice, or of what was learned by it. */
export function tokenizerKind({ type }: { type: TokenizerOptions['type'] }) {
  return kinds[type] as unknown as TokenizerKind<z.ZodObject, Tokenizer>;
}

/** Different pieces whose ids are kept at hand; the rest are encoded anew. */
const keptPieces = 200_000;

/**
 * Makes ids of texts.
 *
 * @returns writes at most `ids.length` of them; the rest of `ids` stays as it is, which for padding is 0
 */
export function textEncoder(learned: Tokenizer): (text: string, ids: Uint16Array) => void {
  const kind = tokenizerKind(learned);
  const encode = kind.encoder(learned);
  const known = new Map<string, readonly number[]>();
  return (text, ids) => {
    let at = 0;
    for (const piece of kind.pieces(text, learned)) {
      let found = known.get(piece);
      if (found === undefined) {
        found = encode(piece);
        if (known.size < keptPieces) known.set(piece, found);
      }
      for (const id of found) {
        if (at === ids.length) return;
        ids[at++] = id;
      }
    }
  };
}
