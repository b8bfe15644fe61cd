import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Forward, run, startEngine, trace } from '@distillery/engine';
import {
  encodeSafetensors,
  formats,
  type NamedTensor,
  permute,
  readWeights,
  renamed,
} from '@distillery/formats';
import { architectures, bind } from '@distillery/models';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { distance } from '../testing/described-networks.ts';
import { movedValues } from '../testing/networks.ts';
import { pythonTimeout, pythonWith } from '../testing/python.ts';

// Weights move both ways between the networks of other libraries and ours, which then compute the same logits.

const classes = 10;
const vocabulary = 40;

interface Case {
  architecture: { type: string } & Record<string, unknown>;
  /** How the library makes the same network. */
  theirs: string;
  /** The naming, as in `?names=`. */
  names: 'torchvision' | 'huggingface';
  input: number[];
}

const ofTorchvision = (type: string, options: object, theirs: string, size = 64): Case => ({
  architecture: { type, ...options },
  theirs: `torchvision.models.${theirs}`,
  names: 'torchvision',
  input: [size, size, 3],
});
const ofTexts = (type: string, options: object, theirs: string): Case => ({
  architecture: { type, width: 24, depth: 3, heads: 3, positions: 20, dropout: 0, ...options },
  theirs,
  names: 'huggingface',
  input: [12],
});
const bertConfig =
  'vocab_size=40, hidden_size=24, num_hidden_layers=3, num_attention_heads=3, intermediate_size=96, max_position_embeddings=20, num_labels=10, hidden_dropout_prob=0, attention_probs_dropout_prob=0, pad_token_id=0';

const cases: Record<string, Case> = {
  resnet18: ofTorchvision('imagenet_resnet', {}, 'resnet18(num_classes=10)'),
  resnet50: ofTorchvision('imagenet_resnet', { depth: 50 }, 'resnet50(num_classes=10)'),
  densenet121: ofTorchvision('densenet', {}, 'densenet121(num_classes=10)'),
  'mobilenet v3 small': ofTorchvision(
    'mobilenet_v3',
    { size: 'small', dropout: 0 },
    'mobilenet_v3_small(num_classes=10, dropout=0)',
  ),
  'mobilenet v3 large': ofTorchvision(
    'mobilenet_v3',
    { dropout: 0 },
    'mobilenet_v3_large(num_classes=10, dropout=0)',
  ),
  'efficientnet b0': ofTorchvision(
    'efficientnet',
    { dropout: 0 },
    'efficientnet_b0(num_classes=10, dropout=0, stochastic_depth_prob=0)',
  ),
  'convnext tiny': ofTorchvision('convnext', {}, 'convnext_tiny(num_classes=10, stochastic_depth_prob=0)'),
  vit: ofTorchvision(
    'vit',
    { width: 48, depth: 3, heads: 3, patch: 16 },
    'VisionTransformer(64, 16, 3, 3, 48, 192, num_classes=10)',
  ),
  distilbert: ofTexts(
    'distilbert',
    {},
    'transformers.DistilBertForSequenceClassification(transformers.DistilBertConfig(vocab_size=40, dim=24, n_layers=3, n_heads=3, hidden_dim=96, max_position_embeddings=20, num_labels=10, dropout=0, attention_dropout=0, seq_classif_dropout=0))',
  ),
  bert: ofTexts(
    'bert',
    { separator: 7 },
    `transformers.BertForSequenceClassification(transformers.BertConfig(${bertConfig}))`,
  ),
};

/**
 * Makes each network. Loads our weights into it and computes logits; then moves its weights, saves them, and computes logits
 * with these.
 */
const script = `
import json, sys, torch, safetensors.torch
folder, library, cases = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
try:
    import torchvision
except ImportError:
    pass
except RuntimeError:
    # Its compiled operators are of another build than PyTorch. No network here needs them, but it looks for their names.
    for name in [name for name in sys.modules if name.startswith("torchvision")]: del sys.modules[name]
    declared = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"): declared.define(name + "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import torchvision
if library == "huggingface": import transformers

def logits(model, x, training):
    model.train(training)
    with torch.no_grad():
        if library == "torchvision": return model(x).flatten().tolist()
        more = {"attention_mask": (x != 0).long()}
        if "Distil" not in type(model).__name__:
            ends = (x == 7).long()
            more["token_type_ids"] = (ends.cumsum(1) - ends).clamp(max=1)
        return model(x, **more).logits.flatten().tolist()

answer = {}
for name, case in cases.items():
    model = eval(case["theirs"])
    state = safetensors.torch.load_file(f"{folder}/{name}.safetensors")
    x = state.pop("inputs")
    x = x.permute(0, 3, 1, 2).contiguous() if x.dim() == 4 else x.long()
    model.load_state_dict(state, strict=True)
    found = {mode: logits(model, x, mode == "training") for mode in ("evaluation", "training")}
    torch.manual_seed(1)
    moved = {key: value + (torch.rand_like(value) if key.endswith("running_var") else 0.1 * torch.randn_like(value))
             if value.is_floating_point() else value for key, value in eval(case["theirs"]).state_dict().items()}
    model.load_state_dict(moved)
    torch.save(model.state_dict(), f"{folder}/{name}.pt")
    answer[name] = {**found, "theirs": logits(model, x, False)}
print(json.dumps(answer))
`;

type Answer = Record<string, Record<'evaluation' | 'training' | 'theirs', number[]>>;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'distillery-libraries-'));
  await startEngine();
});
afterAll(() => rm(folder, { recursive: true }));

/** Images, or ids of texts of different lengths that are padded with 0. */
function inputsOf([size, ...more]: number[]): { data: Float32Array; shape: number[] } {
  const shape = [4, size, ...more];
  const count = shape.reduce((a, b) => a * b);
  if (more.length > 0)
    return { data: Float32Array.from({ length: count }, (_, i) => Math.sin(12.9898 * i)), shape };
  return {
    data: Float32Array.from({ length: count }, (_, i) =>
      i % size < size - 2 * Math.floor(i / size) ? 1 + ((7 * i) % (vocabulary - 1)) : 0,
    ),
    shape,
  };
}

function networkOf({ architecture, input }: Case) {
  const choice = architectures.schema.parse(architecture);
  const task = { classes, ...(input.length === 1 && { vocabulary }) };
  const forward: Forward = bind(architectures.get(choice.type), choice, task);
  return { choice, forward, ...trace(forward, input) };
}

/** The logits of a network with parameters in our layout. */
function logitsOf(one: Case, values: Record<string, Float32Array>, training: boolean): number[] {
  const { forward, parameters } = networkOf(one);
  return tf.tidy(() => {
    const weights = Object.fromEntries(
      parameters.map(({ name, shape }) => [name, tf.tensor(values[name], shape)]),
    );
    const { data, shape } = inputsOf(one.input);
    const given = training ? { training: { seed: 1, step: 0 } } : {};
    const { output, statistics } = run(forward, weights, tf.tensor(data, shape), given);
    tf.dispose(statistics);
    return [...output.dataSync()];
  });
}

/** Returns a Python with PyTorch and the library, or undefined. */
async function pythonFor(library: string): Promise<string | undefined> {
  const python = await pythonWith(['torch', 'safetensors', 'numpy'], pythonTimeout + 60_000);
  if (python === undefined || library !== 'torchvision') {
    return python && pythonWith(['torch', 'safetensors', 'numpy', 'transformers'], pythonTimeout + 60_000);
  }
  // Each version of torchvision belongs to one of PyTorch: 0.28 to 2.13.
  const { stdout } = await promisify(execFile)(python, ['-c', 'import torch; print(torch.__version__)']);
  const minor = Number(stdout.split('.')[1]);
  return pythonWith(['torch', `torchvision==0.${minor + 15}.*`], pythonTimeout + 60_000);
}

test.for(['torchvision', 'huggingface'] as const)(
  'weights move both ways between our networks and those of %s',
  { timeout: 3 * pythonTimeout + 240_000 },
  async (names, context) => {
    const python = await pythonFor(names);
    if (python === undefined) return context.skip(`no Python with ${names} can be had here`);
    const chosen = Object.entries(cases).filter(([, one]) => one.names === names);
    const values: Record<string, Record<string, Float32Array>> = {};
    for (const [name, one] of chosen) {
      const { choice, parameters } = networkOf(one);
      values[name] = movedValues(parameters);
      const tensors = parameters.map(({ name: key, shape, interchange }) => ({
        name: key,
        dtype: 'F32' as const,
        ...permute(values[name][key], shape, interchange),
      }));
      const { encode, decode, options } = formats.get('safetensors');
      const file = encode(
        { parameters: tensors, metadata: { architecture: JSON.stringify(choice) } },
        options.parse({ names }),
      );
      const written = decode?.(file).parameters ?? [];
      const inputs = { name: 'inputs', dtype: 'F32' as const, ...inputsOf(one.input) };
      await writeFile(join(folder, `${name}.safetensors`), encodeSafetensors([...written, inputs]));
    }
    await writeFile(join(folder, 'script.py'), script);
    const { stdout } = await promisify(execFile)(
      python,
      [join(folder, 'script.py'), folder, names, JSON.stringify(Object.fromEntries(chosen))],
      { maxBuffer: 2 ** 24 },
    );
    const answer = JSON.parse(stdout) as Answer;
    for (const [name, one] of chosen) {
      for (const mode of ['evaluation', 'training'] as const) {
        const ours = logitsOf(one, values[name], mode === 'training');
        expect(distance(ours, answer[name][mode]), `${name}, our weights, ${mode}`).toBeLessThan(1e-3);
      }
      const { choice, parameters } = networkOf(one);
      const read = renamed(
        choice.type,
        parameters.map((parameter) => parameter.name),
        readWeights(await readFile(join(folder, `${name}.pt`))),
      );
      const tensors = new Map(read.tensors.map((tensor) => [tensor.name, tensor]));
      expect([...tensors.keys()].sort(), name).toEqual(parameters.map((parameter) => parameter.name).sort());
      const theirs = Object.fromEntries(
        parameters.map(({ name: key, shape, interchange }) => {
          const { data, shape: given } = tensors.get(key) as NamedTensor;
          const back = shape.map((_, axis) => interchange.indexOf(axis));
          return [key, permute(data as Float32Array, given, back).data];
        }),
      );
      expect(
        distance(logitsOf(one, theirs, false), answer[name].theirs),
        `${name}, their weights`,
      ).toBeLessThan(1e-3);
    }
  },
);
