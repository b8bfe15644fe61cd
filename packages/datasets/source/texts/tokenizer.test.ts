import { describe, expect, test } from 'vitest';
import { pieceCounter } from './counts.ts';
import { keyOf, learnMerges, type Merge, merged } from './merges.ts';
import { prepareTokenizer, textDecoder, textEncoder, type Tokenizer, tokenizerOptions } from './tokenizer.ts';

async function learn(options: object, texts: readonly string[]): Promise<Tokenizer> {
  const context = { cacheDir: '', roots: [] };
  const { learn: learnFrom } = await prepareTokenizer(
    tokenizerOptions.parse(options),
    { length: 1 },
    context,
  );
  async function* batches() {
    yield texts.map((text) => ({ text }));
  }
  return learnFrom(batches());
}

function idsOf(tokenizer: Tokenizer, text: string, length = 200): number[] {
  const ids = new Uint16Array(length);
  textEncoder(tokenizer)(text, ids);
  return [...ids.subarray(0, ids.lastIndexOf(ids.findLast((id) => id > 0) ?? 0) + 1)];
}

describe('words', () => {
  const texts = ['The cat saw the dog.', 'The dog saw it.', "It's the cat's!"];

  test('the most frequent ones get ids, and equally frequent ones by name', async () => {
    const tokenizer = await learn({ type: 'word', vocabulary: 8 }, texts);
    // the 4, '.' 2, dog 2, saw 2; then, once each, '!'.
    expect(tokenizer).toMatchObject({ type: 'word', words: ['the', '.', 'dog', 'saw', '!', 'cat'] });
    expect(idsOf(tokenizer, 'THE dog  saw a Cat.')).toEqual([2, 4, 5, 1, 7, 3]);
  });

  test('capitals count without lowercase', async () => {
    const tokenizer = await learn({ type: 'word', lowercase: false }, texts);
    expect(tokenizer).toMatchObject({ words: expect.arrayContaining(['The', 'the', "It's", "cat's"]) });
  });

  test('two Unicode forms of a word are one word', async () => {
    const tokenizer = await learn({ type: 'word' }, ['caf\u00e9 cafe\u0301']);
    expect(tokenizer).toMatchObject({ words: ['caf\u00e9'] });
  });

  test('a very long word is split into words of bounded length', async () => {
    const tokenizer = await learn({ type: 'word' }, ['x'.repeat(1000)]);
    expect(tokenizer).toMatchObject({ words: ['x'.repeat(64), 'x'.repeat(40)] });
  });
});

/** The bytes that an id encodes. */
function bytesOf(merges: readonly Merge[], id: number): number[] {
  return id < 257 ? [id - 1] : merges[id - 257].flatMap((part) => bytesOf(merges, part));
}

describe('byte pairs', () => {
  const corpus = [
    'low low low low low',
    'lower lower newest newest newest newest newest newest',
    'widest widest widest',
  ];

  test('merges match the example of the paper', async () => {
    // Sennrich's example: es 9, est 9, lo 7, low 7; of equal pairs here the smaller bytes come first.
    const pieces = Object.entries({ low: 5, lower: 2, newest: 6, widest: 3 }).map(([word, count]) => ({
      ids: [...Buffer.from(word)].map((byte) => 1 + byte),
      count,
    }));
    const texts = (merges: Merge[]) =>
      merges.map((merge) => Buffer.from(merge.flatMap((id) => bytesOf(merges, id))).toString());
    expect(texts(await learnMerges(pieces, 257, 6))).toEqual(['es', 'est', 'lo', 'low', 'ew', 'new']);
    expect(texts(await learnMerges([...pieces].reverse(), 257, 6))).toEqual(
      texts(await learnMerges(pieces, 257, 6)),
    );
  });

  test('merges match those of counting again at every step', async () => {
    let state = 7;
    const random = (below: number) => {
      state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
      return (state >> 8) % below;
    };
    const pieces = Array.from({ length: 60 }, () => ({
      ids: Array.from({ length: 1 + random(9) }, () => 1 + random(4)),
      count: 1 + random(5),
    }));
    expect(await learnMerges(pieces, 5, 40)).toEqual(bySortedCounts(pieces, 5, 40));
  });

  test('every text can be encoded, and decodes to itself', async () => {
    const tokenizer = await learn({ type: 'byte_pair', vocabulary: 300 }, corpus);
    if (tokenizer.type !== 'byte_pair') throw new Error(tokenizer.type);
    for (const text of ['lowest newer', '  naïve 漢字 🙂\n\t?!', '\u0000ÿ', 'a1234567']) {
      const ids = idsOf(tokenizer, text);
      expect(ids.every((id) => id > 0 && id < 300)).toBe(true);
      expect(Buffer.from(ids.flatMap((id) => bytesOf(tokenizer.merges, id))).toString()).toBe(text);
    }
    expect(idsOf(tokenizer, ' newest')).toHaveLength(1);
    expect(idsOf(tokenizer, 'zzz')).toEqual([123, 123, 123]);
  });

  test('a pair that occurs once is not merged', async () => {
    expect(await learn({ type: 'byte_pair' }, ['abc'])).toMatchObject({ merges: [] });
  });
});

/** Byte-pair training that counts all pairs again at every step. */
function bySortedCounts(
  pieces: readonly { ids: number[]; count: number }[],
  firstId: number,
  most: number,
): Merge[] {
  let all = pieces;
  const merges: Merge[] = [];
  while (merges.length < most) {
    const counts = new Map<number, number>();
    for (const { ids, count } of all) {
      for (let i = 1; i < ids.length; i++) {
        const key = keyOf(ids[i - 1], ids[i]);
        counts.set(key, (counts.get(key) ?? 0) + count);
      }
    }
    const [best] = [...counts].sort(([a, m], [b, n]) => n - m || a - b);
    if (best === undefined || best[1] < 2) break;
    const merge: Merge = [Math.floor(best[0] / 65_536), best[0] % 65_536];
    all = all.map(({ ids, count }) => ({ ids: merged(ids, merge, firstId + merges.length), count }));
    merges.push(merge);
  }
  return merges;
}

test('a text is cut off at the length, and padded with 0 before it', async () => {
  const tokenizer = await learn({ type: 'word' }, ['a b c']);
  const ids = new Uint16Array(5);
  const encode = textEncoder(tokenizer);
  encode('a b', ids);
  expect([...ids]).toEqual([2, 3, 0, 0, 0]);
  encode('c c c c c c c', ids);
  expect([...ids]).toEqual([4, 4, 4, 4, 4]);
});

test('the number of counts stays bounded, and frequent pieces keep theirs', async () => {
  const counter = pieceCounter(10);
  for (let i = 0; i < 1000; i++) counter.add(['often', `rare${i}`, 'often']);
  expect(counter.counts.size).toBeLessThanOrEqual(10);
  expect(counter.counts.get('often')).toBe(2000);
});

describe('texts for people', () => {
  const text = 'The caf\u00e9 costs 1200 € \u{1f408}';
  const decoded = async (options: object, length: number) => {
    const tokenizer = await learn(options, [text, text]);
    const ids = new Uint16Array(length);
    textEncoder(tokenizer)(text, ids);
    return textDecoder(tokenizer)(ids);
  };

  test('byte pairs give the text, up to the length', async () => {
    expect(await decoded({ type: 'byte_pair', vocabulary: 270 }, 100)).toBe(text);
    expect(text.startsWith(await decoded({ type: 'byte_pair', vocabulary: 257 }, 5))).toBe(true);
  });

  test('words give the known ones', async () => {
    expect(await decoded({ type: 'word' }, 100)).toBe('the caf\u00e9 costs 1200 € \u{1f408}');
    expect(await decoded({ type: 'word', vocabulary: 4 }, 3)).toBe('\ufffd caf\u00e9 \ufffd');
  });
});
