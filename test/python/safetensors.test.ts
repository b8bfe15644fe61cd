import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pythonTimeout, pythonWith } from '../testing/python.ts';
import { toFloat16 } from '@distillery/formats';
import { decodeSafetensors, encodeSafetensors, type NamedTensor } from '@distillery/formats';

const run = promisify(execFile);
let python: string | undefined;
let folder: string;

beforeAll(async () => {
  python = await pythonWith(['safetensors', 'numpy']);
  folder = await mkdtemp(join(tmpdir(), 'distillery-safetensors-'));
}, pythonTimeout + 10_000);
afterAll(() => rm(folder, { recursive: true }));

// Values that both sides compute exactly. The first tensor has an odd number of bytes, so that the others are unaligned.
const script = `
import sys, numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
source, target = sys.argv[1:]
halves = (np.arange(-300, 300, dtype=np.float32) * np.float32(0.37)).astype(np.float16)
expected = {
    "bytes": np.arange(7, dtype=np.uint8),
    "2": np.arange(24, dtype=np.float32).reshape(2, 3, 4) / 8,
    "1": halves.reshape(20, 30),
    "nested.integers": np.arange(-3, 3, dtype=np.int32),
    "long": np.array([2**62, -1], dtype=np.int64),
    "scalar": np.array(0.5, dtype=np.float32),
    "empty": np.zeros((0, 5), dtype=np.float32),
}
loaded = load_file(source)
assert set(loaded) == set(expected), loaded.keys()
for name, array in expected.items():
    assert loaded[name].dtype == array.dtype and loaded[name].shape == array.shape, (name, loaded[name])
    assert loaded[name].tobytes() == array.tobytes(), name
with safe_open(source, "np") as opened:
    assert opened.metadata() == {"framework": "distillery", "note": 'a "quoted" ü'}, opened.metadata()
save_file(expected, target, metadata={"from": "numpy"})
`;

test('the reference implementation reads our files, and this one reads its files', async (context) => {
  if (python === undefined) return context.skip('Python with safetensors and numpy cannot be had here');
  const halves = Float32Array.from({ length: 600 }, (_, index) => index - 300).map(
    (value) => value * Math.fround(0.37),
  );
  const tensors: NamedTensor[] = [
    { name: 'bytes', dtype: 'U8', shape: [7], data: Uint8Array.from({ length: 7 }, (_, index) => index) },
    {
      name: '2',
      dtype: 'F32',
      shape: [2, 3, 4],
      data: Float32Array.from({ length: 24 }, (_, index) => index / 8),
    },
    { name: '1', dtype: 'F16', shape: [20, 30], data: toFloat16(halves) },
    { name: 'nested.integers', dtype: 'I32', shape: [6], data: Int32Array.of(-3, -2, -1, 0, 1, 2) },
    { name: 'long', dtype: 'I64', shape: [2], data: BigInt64Array.of(2n ** 62n, -1n) },
    { name: 'scalar', dtype: 'F32', shape: [], data: Float32Array.of(0.5) },
    { name: 'empty', dtype: 'F32', shape: [0, 5], data: new Float32Array(0) },
  ];
  const [source, target] = [join(folder, 'ours.safetensors'), join(folder, 'theirs.safetensors')];
  await writeFile(source, encodeSafetensors(tensors, { framework: 'distillery', note: 'a "quoted" ü' }));
  await run(python, ['-c', script, source, target]);

  const theirs = decodeSafetensors(await readFile(target));
  expect(theirs.metadata).toEqual({ from: 'numpy' });
  expect(theirs.tensors.size).toBe(tensors.length);
  for (const { name, ...tensor } of tensors) expect(theirs.tensors.get(name), name).toEqual(tensor);
}, 20_000);
