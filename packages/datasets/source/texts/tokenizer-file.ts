import { readFile, stat } from 'node:fs/promises';
import { Tokenizer as Library } from '@huggingface/tokenizers';
import { DistilleryError } from '@distillery/spec';
import { z } from 'zod';
import type { DatasetContext } from '../dataset.ts';
import { fileFingerprint } from '../decoded.ts';
import { openRegularFile } from '../regular-file.ts';
import { resolveSourcePath } from '../source-path.ts';

const maximumBytes = 64 * 2 ** 20;
/** Token ids have 16 bits. */
const maximumIds = 65_536;
const models = ['WordPiece', 'BPE', 'Unigram'];
/** What tokens of padding are called where the file has no settings of padding. */
const paddingNames = ['[PAD]', '<pad>', '<|pad|>', '<|padding|>'];

export const tokenizerFileOptions = z.strictObject({
  type: z.literal('file'),
  path: z
    .string()
    .min(1)
    .max(4096)
    .describe(
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
  /** The number of special tokens around every text. */
  special: number;
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
  const { before, after } = specialTokens(tokenizer, opened(tokenizer));
  return { tokenizer, vocabulary, special: before.length + after.length };
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
export function fileEncoder(tokenizer: TokenizerFile): (text: string, ids: Uint16Array) => boolean {
  const { shift } = tokenizer;
  const library = opened(tokenizer);
  const { before, after } = specialTokens(tokenizer, library);
  return (text, ids) => {
    const tokens = idsIn(library, text, false);
    const room = ids.length - before.length - after.length;
    const all = [...before, ...(tokens.length > room ? tokens.slice(0, room) : tokens), ...after];
    ids.set(shift === 0 ? all : all.map((id) => id + 1));
    return tokens.length > room;
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

function idsIn(library: Library, text: string, special: boolean): number[] {
  return library.encode(text, { add_special_tokens: special }).ids;
}

/** The special tokens that a tokenizer puts around every text, found around the first text that has tokens at all. */
function specialTokens(
  { definition }: TokenizerFile,
  library: Library,
): { before: number[]; after: number[] } {
  const { vocab } = definition.model as { vocab: object };
  const tokens = Object.keys(vocab).slice(0, mostProbes);
  for (const text of ['a', ...tokens.map((token) => token.replace(/^(##|\u0120|\u2581)/, ''))]) {
    const [plain, whole] = [false, true].map((special) => idsIn(library, text, special));
    for (let at = 0; plain.length > 0 && at + plain.length <= whole.length; at++) {
      if (plain.every((id, i) => whole[at + i] === id))
        return { before: whole.slice(0, at), after: whole.slice(at + plain.length) };
    }
  }
  throw new RangeError('has a post-processor that is not supported: it does not put tokens around a text');
}
