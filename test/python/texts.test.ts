import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { encodeSafetensors, permute } from '@distillery/formats';
import { datasets } from '@distillery/datasets';
import { allInputs, syntheticTexts } from '@distillery/datasets/testing';
import { initialValues, run, startEngine, trace } from '@distillery/engine';
import { architectures, bind } from '@distillery/models';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pythonTimeout, pythonWith } from '../testing/python.ts';

/** Encodes texts with the tokenizer in a file's metadata and computes logits with PyTorch's encoder; prints both. The benchmark's encoder must agree. */
const evaluation = `
import json, sys, unicodedata, regex, safetensors, torch
from torch import nn

path, texts = sys.argv[1], json.load(open(sys.argv[2]))
with safetensors.safe_open(path, "pt") as file:
    metadata, state = file.metadata(), {key: file.get_tensor(key) for key in file.keys()}
tokenizer, (length,) = json.loads(metadata["tokenizer"]), json.loads(metadata["input"])
options = json.loads(metadata["architecture"])

def merge(ids, ranks):
    while True:
        pairs = [(ranks[pair], pair) for pair in zip(ids, ids[1:]) if pair in ranks]
        if not pairs: return ids
        rank, pair = min(pairs)
        out, i = [], 0
        while i < len(ids):
            if tuple(ids[i:i + 2]) == pair: out.append(257 + rank); i += 2
            else: out.append(ids[i]); i += 1
        ids = out

def encode(text):
    text = unicodedata.normalize("NFC", text)
    if tokenizer["type"] == "word":
        known = {word: 2 + i for i, word in enumerate(tokenizer["words"])}
        if tokenizer["lowercase"]: text = text.lower()
        ids = [known.get(word, 1) for word in regex.findall(tokenizer["pattern"], text)]
    else:
        ranks = {tuple(pair): i for i, pair in enumerate(tokenizer["merges"])}
        ids = [i for piece in regex.findall(tokenizer["pattern"], text) for i in merge([1 + b for b in piece.encode()], ranks)]
    return (ids + [0] * length)[:length]

class Text(nn.Module):
    def __init__(self, vocabulary, width, depth, heads, classes):
        super().__init__()
        self.token_embed, self.pos_embed = nn.Embedding(vocabulary, width), nn.Parameter(torch.zeros(1, length, width))
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(width, heads, 4 * width, 0, "gelu", batch_first=True, norm_first=True) for _ in range(depth))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, classes)
    def forward(self, ids):
        x, padding = self.token_embed(ids) + self.pos_embed, ids == 0
        for block in self.blocks: x = block(x, src_key_padding_mask=padding)
        here = (~padding)[..., None]
        return self.head((self.norm(x) * here).sum(1) / here.sum(1))

theirs = {"attn.qkv.weight": "self_attn.in_proj_weight", "attn.qkv.bias": "self_attn.in_proj_bias", "attn.proj": "self_attn.out_proj",
          "mlp.fc1": "linear1", "mlp.fc2": "linear2"}
def renamed(key):
    for old, new in theirs.items(): key = key.replace(old, new)
    return key
model = Text(len(state["token_embed.weight"]), options["width"], options["depth"], options["heads"], len(json.loads(metadata["classes"])))
model.load_state_dict({renamed(key): value for key, value in state.items()})
ids = [encode(text) for text in texts]
with torch.no_grad(): logits = model.train()(torch.tensor(ids))

sys.path.insert(0, sys.argv[3])
from networks import network_of
task = {"classes": len(json.loads(metadata["classes"])), "vocabulary": len(state["token_embed.weight"]), "length": length}
benched = network_of(options, task).eval()
benched.load_state_dict(state)
with torch.no_grad(): torch.testing.assert_close(benched(torch.tensor(ids)), logits)
print(json.dumps({"ids": sum(ids, []), "logits": logits.flatten().tolist()}))
`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'distillery-text-python-'));
  await startEngine();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Texts with characters of two and four bytes, letters with two encodings, apostrophes, digits and spaces. */
const unusual = [
  "It's  naïve — cafe\u0301 №12345?!",
  '漢字 and 🙂🙂',
  'ΑΣ was MOSS\tand\u00a0owl',
  'x'.repeat(90),
];

test.for([
  { type: 'word', vocabulary: 40 },
  { type: 'byte_pair', vocabulary: 400 },
])(
  'texts are encoded and scored alike in Python, from the file of the weights: $type',
  {
    timeout: pythonTimeout + 120_000,
  },
  async (tokenizer, context) => {
    const python = await pythonWith(['torch', 'safetensors', 'numpy', 'regex']);
    if (python === undefined) return context.skip('no Python with torch and regex can be had here');
    const rows = unusual.map((text) => `"${text}",sea`);
    await writeFile(join(folder, 'set.csv'), `${syntheticTexts(60)}${rows.join('\n')}\n`);
    await writeFile(join(folder, 'test.csv'), `text,label\n${rows.join('\n')}\n`);
    const options = { source: 'text_csv', path: 'set.csv', testPath: 'test.csv', length: 40, tokenizer };
    const surroundings = { cacheDir: join(folder, 'cache'), roots: [folder] };
    const set = await datasets.get('text_csv').load(datasets.schema.parse(options), surroundings);
    const ids = Array.from(new Uint16Array((await allInputs(set.test)).buffer));

    const choice = architectures.schema.parse({ type: 'text_transformer', width: 24, depth: 2, heads: 3 });
    const task = { classes: 3, vocabulary: set.vocabulary };
    const forward = bind(architectures.get(choice.type), choice, task);
    const { parameters } = trace(forward, set.shape);
    const first = initialValues(parameters, 1);
    // Initial weights are small and norms the identity, which hides mistakes.
    const values = parameters.map(({ name, ...parameter }) => ({
      name,
      ...parameter,
      data: first[name].map((value, i) => 4 * value + 0.1 * Math.sin(i + name.length)),
    }));
    const metadata = {
      architecture: JSON.stringify(choice),
      classes: JSON.stringify(set.classes),
      input: JSON.stringify(set.shape),
      tokenizer: JSON.stringify(set.tokenizer),
    };
    const tensors = values.map(({ name, shape, interchange, data }) => ({
      name,
      dtype: 'F32' as const,
      ...permute(data, shape, interchange),
    }));
    await writeFile(join(folder, 'text.safetensors'), encodeSafetensors(tensors, metadata));
    await writeFile(join(folder, 'texts.json'), JSON.stringify(unusual));
    const logits = tf.tidy(() => {
      const held = Object.fromEntries(values.map(({ name, shape, data }) => [name, tf.tensor(data, shape)]));
      return Array.from(run(forward, held, tf.tensor2d(ids, [4, 40])).output.dataSync());
    });
    const { stdout } = await promisify(execFile)(python, [
      '-c',
      evaluation,
      join(folder, 'text.safetensors'),
      join(folder, 'texts.json'),
      resolve(import.meta.dirname, '../../bench/peers'),
    ]);
    const answer = JSON.parse(stdout) as { ids: number[]; logits: number[] };
    expect(answer.ids).toEqual(ids);
    expect(new Set(logits.map((value) => value.toFixed(3))).size).toBe(12);
    answer.logits.forEach((value, i) => expect(value).toBeCloseTo(logits[i], 3));
  },
);
