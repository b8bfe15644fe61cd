import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { datasets } from '@distillery/datasets';
import { allInputs, syntheticTexts } from '@distillery/datasets/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pythonTimeout, pythonWith } from '../testing/python.ts';

// Tokenizers that the package `tokenizers` trains and saves give here the ids that they give there.

let folder: string;
let python: string | undefined;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'distillery-tokenizers-'));
  python = await pythonWith(['tokenizers']);
}, pythonTimeout + 10_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const length = 12;
const odd = [
  'Caf\u00e9 na\u00efve cafe\u0301 \u00c5ngstr\u00f6m \u0130stanbul',
  'It\'s 12,345.67 \u20ac -- "quoted" (twice)!!',
  '\u6f22\u5b57\u304b\u306a and \ud55c\uad6d\uc5b4',
  'emoji \u{1f408}\u200d\u2b1b \u{1f469}\u{1f3fd}',
  'tabs\tand   many    spaces ',
  '[CLS] literal [MASK] <s> tokens',
  'averyveryverylongwordwithoutanyspaces'.repeat(4),
  'a\u00a0b\u200bc\ufeffd',
];

const script = `
import json, sys
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers, decoders
folder, length = sys.argv[1], int(sys.argv[2])
texts = json.load(open(f"{folder}/texts.json"))

def bert():
    t = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    t.normalizer, t.pre_tokenizer = normalizers.BertNormalizer(lowercase=True), pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    t.train_from_iterator(texts, trainers.WordPieceTrainer(vocab_size=400, special_tokens=special))
    t.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", t.token_to_id("[CLS]")), ("[SEP]", t.token_to_id("[SEP]"))])
    return t

def gpt2():
    t = Tokenizer(models.BPE())
    t.pre_tokenizer, t.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    t.post_processor = processors.ByteLevel()
    t.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=500, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), special_tokens=["<|endoftext|>"]))
    return t

def roberta():
    t = Tokenizer(models.BPE())
    t.normalizer, t.pre_tokenizer = normalizers.NFC(), pre_tokenizers.ByteLevel(add_prefix_space=True)
    t.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=500, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), special_tokens=["<s>", "<pad>", "</s>", "<unk>"]))
    t.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    return t

def unigram():
    t = Tokenizer(models.Unigram())
    t.normalizer, t.pre_tokenizer = normalizers.NFKC(), pre_tokenizers.Metaspace()
    t.train_from_iterator(texts, trainers.UnigramTrainer(vocab_size=300, special_tokens=["<pad>", "<unk>"], unk_token="<unk>"))
    return t

for name, tokenizer in (("bert", bert()), ("gpt2", gpt2()), ("roberta", roberta()), ("unigram", unigram())):
    tokenizer.save(f"{folder}/{name}.json")
    tokenizer.enable_truncation(length)
    json.dump([tokenizer.encode(text).ids for text in texts], open(f"{folder}/{name}.ids.json", "w"))
    pairs = zip(texts, json.load(open(f"{folder}/seconds.json")))
    json.dump([tokenizer.encode(*pair).ids for pair in pairs], open(f"{folder}/{name}.pairs.json", "w"))
`;

test('ids equal those of the package tokenizers', { timeout: 120_000 }, async ({ skip }) => {
  if (python === undefined) return skip();
  const lines = syntheticTexts(200).trim().split('\n').slice(1);
  const texts = [...lines.map((line) => line.slice(1, line.lastIndexOf('"'))), ...odd];
  await writeFile(join(folder, 'texts.json'), JSON.stringify(texts));
  const seconds = texts.map((_, index) => texts[(7 * index + 3) % texts.length]);
  await writeFile(join(folder, 'seconds.json'), JSON.stringify(seconds));
  const rows = texts.map((text, index) => JSON.stringify({ text, second: seconds[index], label: index % 2 }));
  await writeFile(join(folder, 'train.jsonl'), rows.join('\n'));
  await promisify(execFile)(python, ['-c', script, folder, String(length)]);
  const context = { cacheDir: join(folder, 'cache'), roots: [folder] };
  for (const [name, shift, pairs] of [
    ['bert', 0, true],
    ['gpt2', 1, false],
    ['roberta', 1, true],
    ['unigram', 0, true],
  ] as const) {
    for (const [file, options] of [
      [`${name}.ids.json`, {}],
      [`${name}.pairs.json`, { pair: 'second' }],
    ] as const) {
      const choice = datasets.schema.parse({
        source: 'text_csv',
        path: 'train.jsonl',
        testPath: 'train.jsonl',
        length,
        ...options,
        tokenizer: { type: 'file', path: `${name}.json` },
      });
      const loading = datasets.get('text_csv').load(choice, context);
      if ('pair' in options && !pairs) {
        // A template is missing, and texts that follow each other without a separator are no pair.
        await expect(loading).rejects.toThrow('does not put pairs of texts together');
        continue;
      }
      const set = await loading;
      const ids = new Uint16Array((await allInputs(set.train)).buffer);
      const expected = JSON.parse(await readFile(join(folder, file), 'utf8')) as number[][];
      expect(expected).toHaveLength(texts.length);
      for (const [index, theirs] of expected.entries()) {
        const ours = [...ids.subarray(index * length, (index + 1) * length)];
        const padded = [...theirs.map((id) => id + shift), ...Array<number>(length - theirs.length).fill(0)];
        expect(ours, `${file}: ${texts[index]}`).toEqual(padded);
      }
      expect(expected.filter((theirs) => theirs.length === length).length, file).toBeGreaterThan(2);
    }
  }
});
