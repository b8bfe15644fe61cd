import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { formats, type NamedTensor, safetensors } from '@distillery/formats';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pythonTimeout, pythonWith } from '../testing/python.ts';

const packages = ['torch', 'safetensors', 'numpy'];
const without = `no Python with ${packages.join(', ')} can be had here`;

/** Writes files as people's scripts do, each beside a safetensors file with the same tensors. */
const script = `
import os, sys, numpy as np, torch, safetensors.torch
from collections import OrderedDict
folder = sys.argv[1]
torch.manual_seed(1)
model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Linear(5, 2))
state = model.state_dict()

def write(name, value, expected):
    torch.save(value, f"{folder}/{name}.pt")
    safetensors.torch.save_file({k: v.contiguous().clone() for k, v in expected.items()}, f"{folder}/{name}.safetensors")

write("plain", state, state)
write("dict", dict(state), state)
write("parameters", {k: torch.nn.Parameter(v) for k, v in state.items() if v.is_floating_point()},
      {k: v for k, v in state.items() if v.is_floating_point()})
write("checkpoint", {"epoch": 3, "state_dict": state, "best_acc": np.float64(71.5), "optimizer": {"lr": 0.1, "betas": (0.9, 0.999)}}, state)
write("model", {"model": state, "best_acc": torch.tensor(1.0).item()}, state)
half = {k: v.half() for k, v in state.items() if v.is_floating_point()}
write("half", half, half)
bfloat = {k: v.bfloat16() for k, v in state.items() if v.is_floating_point()}
write("bfloat", bfloat, bfloat)
double = {k: v.double() for k, v in state.items() if v.is_floating_point()}
write("double", double, {k: v.float() for k, v in double.items()})
base = torch.arange(24.).reshape(4, 6)
views = {"transposed": base.t(), "part": base[1:3, 2:5], "same": base, "column": base[:, 3], "scalar": base[2, 2]}
write("views", views, views)
torch.save(state, f"{folder}/old.pt", _use_new_zipfile_serialization=False)

class Harmful:
    def __reduce__(self):
        return (os.system, (f"touch {folder}/executed",))
torch.save({"weight": torch.ones(2), "harmful": Harmful()}, f"{folder}/harmful.pt")
torch.save(model, f"{folder}/module.pt")
torch.save({"epoch": 1}, f"{folder}/empty.pt")

arrays = {"rows": np.arange(6, dtype=np.float32).reshape(2, 3), "columns": np.asfortranarray(np.arange(24, dtype=np.float32).reshape(2, 3, 4)),
          "double": np.linspace(0, 1, 5), "half": np.ones(3, np.float16), "scalar": np.float32(3), "counts": np.arange(3)}
np.savez(f"{folder}/stored.npz", **arrays)
np.savez_compressed(f"{folder}/compressed.npz", **arrays)
np.savez(f"{folder}/objects.npz", objects=np.array([{"a": 1}], dtype=object))
np.savez(f"{folder}/swapped.npz", swapped=np.arange(3, dtype=">f4"))
`;

let folder: string;
let python: string | undefined;
const { decode: fromTorch } = formats.get('torch');
const { decode: fromNpz } = formats.get('npz');

beforeAll(async () => {
  python = await pythonWith(packages, pythonTimeout + 120_000);
  if (python === undefined) return;
  folder = await mkdtemp(join(tmpdir(), 'distillery-state-dicts-'));
  await promisify(execFile)(python, ['-c', script, folder]);
}, pythonTimeout + 180_000);

afterAll(async () => {
  if (folder !== undefined) await rm(folder, { recursive: true });
});

const read = async (name: string) => new Uint8Array(await readFile(join(folder, name)));
const byName = (tensors: readonly NamedTensor[]) =>
  Object.fromEntries(
    tensors.map(({ name, dtype, shape, data }) => [name, { dtype, shape: [...shape], data: [...data] }]),
  );

test.for(['plain', 'dict', 'parameters', 'checkpoint', 'model', 'half', 'bfloat', 'double', 'views'])(
  'a file of torch.save is read without executing its pickle: %s',
  async (name, context) => {
    if (python === undefined) return context.skip(without);
    const { parameters } = fromTorch?.(await read(`${name}.pt`)) ?? { parameters: [] };
    const expected = safetensors.decode(await read(`${name}.safetensors`)).parameters;
    expect(byName(parameters)).toEqual(byName(expected));
  },
);

test.for([
  [
    'harmful',
    'it names posix.system, which is no tensor: save only the weights, with torch.save(model.state_dict(), path)',
  ],
  ['module', 'it names torch.nn.modules.container.Sequential, which is no tensor'],
  [
    'empty',
    'it holds no tensors at the top or under state_dict, model_state_dict, model, net, student, teacher; its keys are: epoch',
  ],
  ['old', 'no zip archive'],
])(
  'a file that holds more than tensors is refused, and nothing is executed: %s',
  async ([name, message], context) => {
    if (python === undefined) return context.skip(without);
    const bytes = await read(`${name}.pt`);
    expect(() => fromTorch?.(bytes)).toThrow(
      expect.objectContaining({
        code: 'artifact_corrupt',
        message: expect.stringContaining(message) as string,
      }),
    );
    expect(existsSync(join(folder, 'executed'))).toBe(false);
  },
);

test.for(['stored', 'compressed'])(
  "NumPy's arrays are read, by rows and by columns: %s",
  async (name, context) => {
    if (python === undefined) return context.skip(without);
    const { parameters } = fromNpz?.(await read(`${name}.npz`)) ?? { parameters: [] };
    const counted = (length: number) => Array.from({ length }, (_, i) => i);
    expect(byName(parameters)).toEqual({
      rows: { dtype: 'F32', shape: [2, 3], data: counted(6) },
      columns: { dtype: 'F32', shape: [2, 3, 4], data: counted(24) },
      double: { dtype: 'F32', shape: [5], data: [0, 0.25, 0.5, 0.75, 1] },
      half: { dtype: 'F16', shape: [3], data: [0x3c00, 0x3c00, 0x3c00] },
      scalar: { dtype: 'F32', shape: [], data: [3] },
      counts: { dtype: 'I64', shape: [3], data: [0n, 1n, 2n] },
    });
  },
);

test.for([
  ['objects', 'its type |O is none of'],
  ['swapped', 'its type >f4 is none of'],
])("arrays that are no numbers of this machine's are refused: %s", async ([name, message], context) => {
  if (python === undefined) return context.skip(without);
  const bytes = await read(`${name}.npz`);
  expect(() => fromNpz?.(bytes)).toThrow(message);
});
