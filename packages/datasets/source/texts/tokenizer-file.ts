import { readFile, stat } from 'node:fs/promises';
import { Tokenizer as Library } from '@huggingface/tokenizers';
import { DistilleryError } from '@distillery/spec';
import { z } from 'zod';
import { pathOption } from '../option-shapes.ts';
import type { DatasetContext } from '../dataset.ts';
import { fileFingerprint } from '../decoded.ts';
import { openRegularFile } from '../regular-file.ts';
import { resolveSourcePath } from '../source-path.ts';
import { pairLengths } from './pair-lengths.ts';
import type { TextEncoder } from './tokenizer.ts';

const maximumBytes = 64 * 2 ** 20;
/** Token ids have 16 bits. */
const maximumIds = 65_536;
const models = ['WordPiece', 'BPE', 'Unigram'];
/** What tokens of padding are called where the file has no settings of padding. */
const paddingNames = ['[PAD]', '<pad>', '<|pad|>', '<|padding|>'];

export const tokenizerFileOptions = z.strictObject({
  type: z.literal('file'),
  path: pathOption(
    'A tokenizer.json of Hugging Face, below a folder that the service may read, with up to 65,535 ids: WordPiece, BPE ' +
      'or Unigram.',
  ),
});
type Options = z.output<typeof tokenizerFileOptions>;

/** A tokenizer that came in a file. */
export interface TokenizerFile {
  type: 'file';
  /** What is added to the ids of the file, so that 0 is padding: 0 where it is in the file, else 1. */
  shift: 0 | 1;
  /** The content of tokenizer.json. */
  definition: Record<string, unknown>;
}

const sharedShape = z.object({
  model: z.object({ type: z.string().optional(), vocab: z.unknown() }),
  added_tokens: z.array(z.object({ id: z.int().min(0), content: z.string() })).default([]),
  padding: z.object({ pad_id: z.int().min(0) }).nullish(),
});

interface ReadTokenizer {
  tokenizer: TokenizerFile;
  /** The number of ids. */
  vocabulary: number;
  /** The number of special tokens around every text, and of a pair; undefined for a file that does not put pairs together. */
  special: { text: number; pair: number | undefined };
}

/** The last files that were read, so that plans of the same job read theirs once. */
const known = new Map<string, ReadTokenizer>();
const mostKnown = 8;
/** The most tokens that are tried as texts. */
const mostProbes = 300;

/**
 * Reads a tokenizer and checks that it can be used.
 *
 * @returns the tokenizer and the state of the file
 * @throws DistilleryError `data_error` that names the path
 */
export async function readTokenizerFile({ path }: Options, context: DatasetContext) {
  const real = await resolveSourcePath(path, context, 'tokenizer/path');
  try {
    const { size, isFile } = await stat(real).then((one) => ({ size: one.size, isFile: one.isFile() }));
    if (!isFile) throw new RangeError('is not a file');
    await (await openRegularFile(real)).close();
    const state = await fileFingerprint(real);
    if (size > maximumBytes) throw new RangeError(`is larger than ${maximumBytes} bytes`);
    const key = JSON.stringify(state);
    const found = known.get(key) ?? parsed(await readFile(real, 'utf8'));
    known.delete(key);
    known.set(key, found);
    if (known.size > mostKnown) known.delete(known.keys().next().value as string);
    return { ...found, state };
  } catch (cause) {
    if (cause instanceof DistilleryError) throw cause;
    const message = (cause as Error).message;
    throw new DistilleryError('data_error', `${path}: ${message}`, {
      cause,
      fields: [{ path: '/dataset/tokenizer/path', value: path, message }],
    });
  }
}

function parsed(text: string): ReadTokenizer {
  let definition: Record<string, unknown>;
  try {
    definition = JSON.parse(text) as Record<string, unknown>;
  } catch (cause) {
    throw new RangeError(`is not JSON: ${(cause as Error).message}`, { cause });
  }
  const shape = sharedShape.safeParse(definition);
  if (!shape.success) throw new RangeError('is not a tokenizer.json: it has no model with a vocabulary');
  const { model, added_tokens: added, padding } = shape.data;
  // The library reads other models as one of these.
  if (model.type !== undefined && !models.includes(model.type))
    throw new RangeError(
      `has a part that is not supported: the model ${model.type}; expected ${models.join(', ')}`,
    );
  const ids = [...idsOf(model.vocab), ...added.map(({ id }) => id)];
  const largest = ids.reduce((most, id) => Math.max(most, id), -1);
  if (largest < 0 || ids.some((id) => !Number.isInteger(id) || id < 0))
    throw new RangeError('has no vocabulary of token ids');
  const pad = padding?.pad_id ?? added.find(({ content }) => paddingNames.includes(content))?.id;
  const shift = pad === 0 ? 0 : 1;
  const vocabulary = largest + 1 + shift;
  if (vocabulary > maximumIds)
    throw new RangeError(`has ${largest + 1} ids, more than ${maximumIds - shift}`);
  const tokenizer: TokenizerFile = { type: 'file', shift, definition };
  const { before, after, pair } = specialTokens(tokenizer, opened(tokenizer));
  const ofPair = pair && pair.first.length + pair.between.length + pair.last.length;
  return { tokenizer, vocabulary, special: { text: before.length + after.length, pair: ofPair } };
}

/** The ids of a vocabulary: by token, or in the order of a list. */
function idsOf(vocabulary: unknown): number[] {
  if (Array.isArray(vocabulary)) return vocabulary.map((_, id) => id);
  return typeof vocabulary === 'object' && vocabulary !== null ? (Object.values(vocabulary) as number[]) : [];
}

/**
 * Creates an encoder of texts. A text that is too long loses tokens at its end; the special tokens that the file puts
 * around every text stay, as they do in Python.
 *
 * @throws RangeError for a part of the tokenizer that is not supported
 */
export function fileEncoder(tokenizer: TokenizerFile): TextEncoder {
  const { shift } = tokenizer;
  const library = opened(tokenizer);
  const { before, after, pair } = specialTokens(tokenizer, library);
  const write = (all: number[], ids: Uint16Array) => ids.set(shift === 0 ? all : all.map((id) => id + 1));
  return (text, ids, second) => {
    const tokens = idsIn(library, text, false);
    if (second === undefined) {
      const room = ids.length - before.length - after.length;
      write([...before, ...tokens.slice(0, room), ...after], ids);
      return tokens.length > room;
    }
    if (pair === undefined) throw new RangeError('the tokenizer does not put pairs of texts together');
    const { first, between, last } = pair;
    const others = idsIn(library, second, false);
    const room = ids.length - first.length - between.length - last.length;
    const [left, right] = pairLengths(tokens.length, others.length, room, ids.length);
    write([...first, ...tokens.slice(0, left), ...between, ...others.slice(0, right), ...last], ids);
    return left + right < tokens.length + others.length;
  };
}

/** Creates the opposite of `fileEncoder`, without special tokens. */
export function fileDecoder(tokenizer: TokenizerFile): (ids: readonly number[]) => string {
  const library = opened(tokenizer);
  return (ids) =>
    library.decode(
      ids.map((id) => id - tokenizer.shift),
      { skip_special_tokens: true },
    );
}

function opened({ definition }: TokenizerFile): Library {
  try {
    return new Library(definition, {});
  } catch (cause) {
    throw new RangeError(`has a part that is not supported: ${(cause as Error).message}`, { cause });
  }
}

function idsIn(library: Library, text: string, special: boolean, pair?: string): number[] {
  return library.encode(text, { add_special_tokens: special, ...(pair !== undefined && { text_pair: pair }) })
    .ids;
}

/** The special tokens of a tokenizer, as ids. */
interface SpecialTokens {
  /** Around a text. */
  before: number[];
  after: number[];
  /** Before, between and behind the two texts of a pair; undefined where the file does not say how pairs are put together. */
  pair: { first: number[]; between: number[]; last: number[] } | undefined;
}

/** Finds the special tokens around the first text that has tokens at all, and around a pair of it. */
function specialTokens({ definition }: TokenizerFile, library: Library): SpecialTokens {
  const { vocab } = definition.model as { vocab: object };
  const tokens = Object.keys(vocab).slice(0, mostProbes);
  for (const text of ['a', ...tokens.map((token) => token.replace(/^(##|\u0120|\u2581)/, ''))]) {
    const [plain, whole] = [false, true].map((special) => idsIn(library, text, special));
    const at = placeOf(plain, whole, 0);
    if (at < 0) continue;
    const both = idsIn(library, text, true, text);
    const one = placeOf(plain, both, 0);
    const two = one < 0 ? -1 : placeOf(plain, both, one + plain.length);
    return {
      before: whole.slice(0, at),
      after: whole.slice(at + plain.length),
      pair:
        two < 0
          ? undefined
          : {
              first: both.slice(0, one),
              between: both.slice(one + plain.length, two),
              last: both.slice(two + plain.length),
            },
    };
  }
  throw new RangeError('has a post-processor that is not supported: it does not put tokens around a text');
}

/** Where some ids, at least one, are in others, from a place on; -1 where they are not. */
function placeOf(ids: readonly number[], all: readonly number[], from: number): number {
  for (let at = from; ids.length > 0 && at + ids.length <= all.length; at++) {
    if (ids.every((id, i) => all[at + i] === id)) return at;
  }
  return -1;
}
