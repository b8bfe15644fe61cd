import { z } from 'zod';
import { type BytePair, bytePair } from './byte-pair.ts';
import { type Words, word } from './word.ts';

/** A learned tokenizer. Token ids have 16 bits. */
export type Tokenizer = Words | BytePair;

/** A way to turn texts into ids. A new kind is one file and one line in `kinds`. */
export interface TokenizerKind<Options extends z.ZodObject, Learned extends { type: string }> {
  /** The options: `type` as a literal, `vocabulary` (the number of ids), and others. */
  readonly options: Options;
  /** Splits a text into pieces, which are encoded independently. */
  pieces(text: string, options: { type: string; lowercase?: boolean }): string[];
  /**
   * Learns from the pieces of training texts. The result depends on the counts, not on the order of the map.
   *
   * @param counts the number of occurrences of each piece
   * @throws the reason of the signal when it is aborted
   */
  learn(
    counts: ReadonlyMap<string, number>,
    options: z.output<Options>,
    signal?: AbortSignal,
  ): Promise<Learned>;
  /** Returns a function that encodes one piece. No id is 0, which is padding. */
  encoder(learned: Learned): (piece: string) => readonly number[];
  /** Returns a function that writes ids, without padding, as a text for people. */
  decoder(learned: Learned): (ids: readonly number[]) => string;
}

const kinds = { word, byte_pair: bytePair };

export const tokenizerOptions = z.discriminatedUnion('type', [word.options, bytePair.options], {
  error: (issue) => (issue.code === 'invalid_union' ? 'must be one of: word, byte_pair' : undefined),
});
export type TokenizerOptions = z.output<typeof tokenizerOptions>;

/** The kind of a choice, or of a learned tokenizer. */
export function tokenizerKind({ type }: { type: TokenizerOptions['type'] }) {
  return kinds[type] as unknown as TokenizerKind<z.ZodObject, Tokenizer>;
}

/** The most pieces whose ids are cached; other pieces are encoded each time. */
const keptPieces = 200_000;

/**
 * Creates an encoder of texts.
 *
 * @returns a function that writes at most `ids.length` ids, and leaves the rest of `ids` unchanged: 0 is padding. It
 *   returns whether the text was longer and is cut off
 */
export function textEncoder(learned: Tokenizer): (text: string, ids: Uint16Array) => boolean {
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
        if (at === ids.length) return true;
        ids[at++] = id;
      }
    }
    return false;
  };
}

/** Creates the opposite of `textEncoder`: the text that a network reads, as far as the tokenizer keeps it. */
export function textDecoder(learned: Tokenizer): (ids: Uint16Array) => string {
  const decode = tokenizerKind(learned).decoder(learned);
  return (ids) => decode(Array.from(ids).filter((id) => id !== 0));
}
