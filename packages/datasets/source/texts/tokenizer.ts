import { DistilleryError } from '@distillery/spec';
import { z } from 'zod';
import type { DatasetContext } from '../dataset.ts';
import { type BytePair, bytePair } from './byte-pair.ts';
import { pieceCounter } from './counts.ts';
import {
  fileDecoder,
  fileEncoder,
  readTokenizerFile,
  type TokenizerFile,
  tokenizerFileOptions,
} from './tokenizer-file.ts';
import { type Words, word } from './word.ts';

type LearnedTokenizer = Words | BytePair;

/** A tokenizer that was learned, or came in a file. Token ids have 16 bits. */
export type Tokenizer = LearnedTokenizer | TokenizerFile;

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

export const tokenizerOptions = z.discriminatedUnion(
  'type',
  [word.options, bytePair.options, tokenizerFileOptions],
  {
    error: (issue) => (issue.code === 'invalid_union' ? 'must be one of: word, byte_pair, file' : undefined),
  },
);
type TokenizerOptions = z.output<typeof tokenizerOptions>;

/** The kind of a choice, or of a learned tokenizer. */
function tokenizerKind({ type }: { type: LearnedTokenizer['type'] }) {
  return kinds[type] as unknown as TokenizerKind<z.ZodObject, LearnedTokenizer>;
}

/** A tokenizer that is about to be learned, or is read already. */
interface PreparedTokenizer {
  /** The number of ids. */
  vocabulary: number;
  /** What the ids depend on beside the texts. */
  state: unknown;
  /**
   * @param texts the training texts, which are read only if they are needed
   * @throws the reason of the signal when it is aborted
   */
  learn(texts: AsyncIterable<{ text: string }[]>, signal?: AbortSignal): Promise<Tokenizer>;
}

/**
 * @param length the length of every text in tokens
 * @throws DistilleryError `data_error` for a file that holds no tokenizer, which names its path, and for a length that leaves
 *   no room beside its special tokens
 */
export async function prepareTokenizer(
  choice: TokenizerOptions,
  length: number,
  context: DatasetContext,
): Promise<PreparedTokenizer> {
  if (choice.type === 'file') {
    const { tokenizer, vocabulary, special, state } = await readTokenizerFile(choice, context);
    if (length <= special) {
      const message = `must be above ${special}, the number of special tokens around a text`;
      const field = { path: '/dataset/length', value: length, message };
      throw new DistilleryError('data_error', `length ${message}`, { fields: [field] });
    }
    return { vocabulary, state, learn: async () => tokenizer };
  }
  const { vocabulary } = choice;
  return {
    vocabulary,
    state: choice,
    async learn(texts, signal) {
      const kind = tokenizerKind(choice);
      const counter = pieceCounter();
      for await (const batch of texts) for (const { text } of batch) counter.add(kind.pieces(text, choice));
      return kind.learn(counter.counts, choice, signal);
    },
  };
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
  if (learned.type === 'file') return fileEncoder(learned);
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
  const decode = learned.type === 'file' ? fileDecoder(learned) : tokenizerKind(learned).decoder(learned);
  return (ids) => decode(Array.from(ids).filter((id) => id !== 0));
}
