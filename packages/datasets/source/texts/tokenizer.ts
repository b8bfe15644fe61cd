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
import { pairLengths } from './pair-lengths.ts';
import { type Words, word } from './word.ts';

type LearnedTokenizer = (Words | BytePair) & {
  /** The id between the two texts of a pair; absent where texts are no pairs. */
  separator?: number;
};

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
   * @param texts the training texts, or pairs, which are read only if they are needed
   * @throws the reason of the signal when it is aborted
   */
  learn(texts: AsyncIterable<{ text: string; second?: string }[]>, signal?: AbortSignal): Promise<Tokenizer>;
}

/**
 * @param texts the length of every text in tokens, and the name of the column of the second texts where there are pairs
 * @throws DistilleryError `data_error` for a file that holds no tokenizer, which names its path, and for a length that leaves
 *   no room beside its special tokens
 */
export async function prepareTokenizer(
  choice: TokenizerOptions,
  { length, pair }: { length: number; pair?: string | undefined },
  context: DatasetContext,
): Promise<PreparedTokenizer> {
  const pairs = pair !== undefined;
  if (choice.type === 'file') {
    const { tokenizer, vocabulary, special: around, state } = await readTokenizerFile(choice, context);
    const special = around[pairs ? 'pair' : 'text'];
    if (special === undefined) {
      const message = 'does not put pairs of texts together: its post-processor has no template of a pair';
      const field = { path: '/dataset/tokenizer/path', value: choice.path, message };
      throw new DistilleryError('data_error', `${choice.path}: ${message}`, { fields: [field] });
    }
    if (length <= special) {
      const message = `must be above ${special}, the number of special tokens ${pairs ? 'of a pair' : 'around a text'}`;
      const field = { path: '/dataset/length', value: length, message };
      throw new DistilleryError('data_error', `length ${message}`, { fields: [field] });
    }
    return { vocabulary, state, learn: async () => tokenizer };
  }
  // The separator comes after the ids that are learned.
  const separated = pairs ? { separator: choice.vocabulary } : {};
  return {
    vocabulary: choice.vocabulary + (pairs ? 1 : 0),
    state: choice,
    async learn(texts, signal) {
      const kind = tokenizerKind(choice);
      const counter = pieceCounter();
      for await (const batch of texts) {
        for (const { text, second } of batch) {
          counter.add(kind.pieces(text, choice));
          if (second !== undefined) counter.add(kind.pieces(second, choice));
        }
      }
      return { ...(await kind.learn(counter.counts, choice, signal)), ...separated };
    },
  };
}

/** The most pieces whose ids are cached; other pieces are encoded each time. */
const keptPieces = 200_000;

/**
 * Writes a text, or a pair of texts, as ids, and leaves the rest of `ids` unchanged: 0 is padding.
 *
 * @returns whether the text was longer than `ids` and is cut off
 */
export type TextEncoder = (text: string, ids: Uint16Array, second?: string) => boolean;

/** Creates an encoder of texts, and of pairs where the tokenizer has a separator. */
export function textEncoder(learned: Tokenizer): TextEncoder {
  if (learned.type === 'file') return fileEncoder(learned);
  const kind = tokenizerKind(learned);
  const encode = kind.encoder(learned);
  const known = new Map<string, readonly number[]>();
  /** The first ids of a text, at most `most`, and whether there are more. */
  const idsOf = (text: string, most: number) => {
    const ids: number[] = [];
    for (const piece of kind.pieces(text, learned)) {
      let found = known.get(piece);
      if (found === undefined) {
        found = encode(piece);
        if (known.size < keptPieces) known.set(piece, found);
      }
      for (const id of found) {
        if (ids.length === most) return { ids, more: true };
        ids.push(id);
      }
    }
    return { ids, more: false };
  };
  return (text, ids, second) => {
    const first = idsOf(text, ids.length);
    if (second === undefined) {
      ids.set(first.ids);
      return first.more;
    }
    const other = idsOf(second, ids.length);
    const [left, right] = pairLengths(first.ids.length, other.ids.length, ids.length - 1, ids.length);
    ids.set([...first.ids.slice(0, left), learned.separator as number, ...other.ids.slice(0, right)]);
    return first.more || other.more || left + right < first.ids.length + other.ids.length;
  };
}

/** Creates the opposite of `textEncoder`: the text that a network reads, as far as the tokenizer keeps it. */
export function textDecoder(learned: Tokenizer): (ids: Uint16Array) => string {
  const present = (ids: Uint16Array) => Array.from(ids).filter((id) => id !== 0);
  if (learned.type === 'file') {
    const decode = fileDecoder(learned);
    return (ids) => decode(present(ids));
  }
  const decode = tokenizerKind(learned).decoder(learned);
  return (ids) => {
    const all = present(ids);
    const at = learned.separator === undefined ? -1 : all.indexOf(learned.separator);
    if (at < 0) return decode(all);
    return `${decode(all.slice(0, at))} | ${decode(all.slice(at + 1))}`;
  };
}
