import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startEngine } from '@distillery/engine';
import { formats, torchNetwork } from '@distillery/formats';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  classes,
  type DescribedNetwork,
  describedNetworks,
  distance,
  normalization,
} from '../testing/described-networks.ts';
import { pythonTimeout, pythonWith } from '../testing/python.ts';

const packages = ['onnx', 'onnxruntime', 'numpy', 'torch', 'safetensors'];

let examples: DescribedNetwork[] = [];
let folder: string;
let python: string | undefined;

beforeAll(async () => {
  python = await pythonWith(packages, pythonTimeout + 240_000);
  if (python === undefined) return;
  folder = await mkdtemp(join(tmpdir(), 'distillery-formats-'));
  await startEngine();
  examples = describedNetworks();
  for (const { name, weights, given, input } of examples) {
    const file = (format: string, options: Record<string, string>, suffix = '') => {
      const { encode, extension, options: schema } = formats.get(format);
      return writeFile(join(folder, `${name}${suffix}.${extension}`), encode(weights, schema.parse(options)));
    };
    await writeFile(join(folder, `${name}.json`), JSON.stringify({ given, input }));
    for (const precision of ['float32', 'float16', 'int8'])
      await file('onnx', { precision }, `-${precision}`);
    if (input.length === 3) await file('onnx', { input: 'pixels' }, '-pixels');
    for (const format of ['safetensors', 'npz', 'torch']) {
      await file(format, {});
      await file(format, { precision: 'float16' }, '-half');
    }
  }
}, pythonTimeout + 300_000);

afterAll(async () => {
  if (folder !== undefined) await rm(folder, { recursive: true });
});

/** Checks each model, runs it on the same inputs, and prints logits, sizes and metadata. */
const evaluation = `
import json, os, sys
import numpy as np, onnx, onnxruntime
folder, mean, std, names = sys.argv[1], *map(json.loads, sys.argv[2:5])
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
answer = {}
for name in names:
    case = json.load(open(f"{folder}/{name}.json"))
    given = np.array(case["given"])
    kinds = {}
    for kind in ["float32", "float16", "int8", "pixels"]:
        path = f"{folder}/{name}-{kind}.onnx"
        if not os.path.exists(path): continue
        onnx.checker.check_model(path, full_check=True)
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        port = session.get_inputs()[0]
        if port.name == "ids": x = given.reshape(-1, *case["input"]).astype(np.int64)
        elif port.name == "row": x = given.reshape(-1, *case["input"]).astype(np.float32)
        elif port.name == "pixels": x = given.reshape(-1, *case["input"]).astype(np.uint8)
        else: x = ((given.reshape(-1, *case["input"]) / 255 - mean) / std).transpose(0, 3, 1, 2).astype(np.float32)
        whole = session.run(["logits"], {port.name: x})[0]
        single = session.run(["logits"], {port.name: x[:1]})[0]
        kinds[kind] = {"logits": whole.flatten().tolist(), "single": single.flatten().tolist(), "bytes": os.path.getsize(path),
                       "metadata": session.get_modelmeta().custom_metadata_map, "shape": port.shape}
    answer[name] = kinds
print(json.dumps(answer))
`;

test('ONNX Runtime computes the logits of every network, in every precision and from pixels', async (context) => {
  if (python === undefined) return context.skip(`no Python with ${packages.join(', ')} can be had here`);
  const { mean, std } = normalization;
  const names = JSON.stringify(examples.map(({ name }) => name));
  const { stdout } = await promisify(execFile)(
    python,
    ['-c', evaluation, folder, JSON.stringify(mean), JSON.stringify(std), names],
    { maxBuffer: 2 ** 26 },
  );
  type Kind = {
    logits: number[];
    single: number[];
    bytes: number;
    metadata: Record<string, string>;
    shape: unknown[];
  };
  const answer = JSON.parse(stdout) as Record<string, Record<string, Kind>>;
  /** The largest difference, as a share of the largest logit. Half floats have 11 bits, int8 has 7. */
  const bounds: Record<string, number> = { float32: 1e-4, pixels: 1e-4, float16: 0.02, int8: 0.25 };
  for (const { name, logits, input } of examples) {
    const kinds = answer[name];
    expect(Object.keys(kinds)).toEqual([
      'float32',
      'float16',
      'int8',
      ...(input.length === 3 ? ['pixels'] : []),
    ]);
    for (const [kind, found] of Object.entries(kinds)) {
      expect(distance(found.logits, logits), `${name}, ${kind}`).toBeLessThan(bounds[kind]);
      expect(
        distance(found.single, logits.subarray(0, classes)),
        `${name}, ${kind}, one sample`,
      ).toBeLessThan(bounds[kind]);
      expect(found.shape[0]).toBe('batch');
      expect(JSON.parse(found.metadata.classes)).toHaveLength(classes);
      expect(found.metadata.labels.split('\n')).toHaveLength(classes);
    }
    // Metadata are more than the weights of the smallest network.
    if (name !== 'row') {
      expect(kinds.float16.bytes / kinds.float32.bytes).toBeLessThan(0.75);
      expect(kinds.int8.bytes).toBeLessThan(kinds.float16.bytes);
    }
    // Otherwise the precisions would be the same file under other names.
    expect(distance(kinds.int8.logits, kinds.float32.logits)).toBeGreaterThan(1e-6);
  }
}, 240_000);

/** Compares the tensors of each file with those of the safetensors file of the same precision, bit by bit. */
const comparison = `
import json, sys
import numpy as np, torch, safetensors.torch
folder, names = sys.argv[1], json.loads(sys.argv[2])
for name in names:
    for suffix, dtype in [("", torch.float32), ("-half", torch.float16)]:
        expected = safetensors.torch.load_file(f"{folder}/{name}{suffix}.safetensors")
        assert all(one.dtype == dtype for one in expected.values()), name
        state = torch.load(f"{folder}/{name}{suffix}.pt", weights_only=True)
        arrays = np.load(f"{folder}/{name}{suffix}.npz")
        metadata = json.loads(arrays["metadata.json"])
        assert len(json.loads(metadata["classes"])) == 10
        assert set(state) == set(expected) == set(arrays.files) - {"metadata.json"}, name
        for key, tensor in expected.items():
            assert torch.equal(state[key], tensor) and state[key].dtype == dtype, (name, key)
            assert np.array_equal(arrays[key], tensor.numpy()) and arrays[key].dtype == tensor.numpy().dtype, (name, key)
print("equal")
`;

test('PyTorch and NumPy read the same tensors from their own files', async (context) => {
  if (python === undefined) return context.skip(`no Python with ${packages.join(', ')} can be had here`);
  const names = JSON.stringify(examples.map(({ name }) => name));
  const { stdout } = await promisify(execFile)(python, ['-c', comparison, folder, names]);
  expect(stdout.trim()).toBe('equal');
}, 120_000);

/** Runs each network from its graph by the module that bundles hold, and prints the logits. */
const interpretation = `
import json, sys
import numpy as np, torch
from safetensors import safe_open
folder, names = sys.argv[1], json.loads(sys.argv[2])
sys.path.insert(0, folder)
from network import compute
answer = {}
for name in names:
    values = json.load(open(f"{folder}/{name}.values.json"))
    with safe_open(f"{folder}/{name}.safetensors", "pt") as file:
        metadata, state = file.metadata(), {key: file.get_tensor(key) for key in file.keys()}
    graph = json.loads(metadata["graph"])
    x = torch.tensor(values).reshape(-1, *graph["input"])
    with torch.no_grad(): answer[name] = compute(graph, state, x.permute(0, 3, 1, 2) if x.dim() == 4 else x).flatten().tolist()
print(json.dumps(answer))
`;

test('the module of a bundle runs every network in PyTorch from its graph', async (context) => {
  if (python === undefined) return context.skip(`no Python with ${packages.join(', ')} can be had here`);
  await writeFile(join(folder, 'network.py'), torchNetwork);
  for (const { name, values } of examples)
    await writeFile(join(folder, `${name}.values.json`), JSON.stringify(values));
  const names = JSON.stringify(examples.map(({ name }) => name));
  const { stdout } = await promisify(execFile)(python, ['-c', interpretation, folder, names], {
    maxBuffer: 2 ** 26,
  });
  const answer = JSON.parse(stdout) as Record<string, number[]>;
  for (const { name, logits } of examples) expect(distance(answer[name], logits), name).toBeLessThan(1e-4);
}, 120_000);
