import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { datasets } from '@distillery/datasets';
import { allInputs } from '@distillery/datasets/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pythonTimeout, pythonWith } from '../testing/python.ts';

// Files that NumPy and Python's pickle write hold for us what they hold for them.

let folder: string;
let python: string | undefined;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'distillery-arrays-'));
  python = await pythonWith(['numpy']);
}, pythonTimeout + 10_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const script = `
import io, pickle, sys, tarfile, numpy as np
folder = sys.argv[1]
pixels = (np.arange(30 * 4 * 5 * 3) * 7 % 256).astype(np.uint8).reshape(30, 4, 5, 3)
labels = np.arange(30) % 3
forms = {
    "uint8": pixels, "int64": pixels.astype(np.int64), "big": pixels.astype(">u2"), "fortran": np.asfortranarray(pixels),
    "float16": (pixels / 255).astype(np.float16), "float32": (pixels / 255).astype(np.float32), "float64": pixels / 255,
}
for name, x in forms.items():
    save = np.savez if name == "uint8" else np.savez_compressed
    save(f"{folder}/{name}.npz", x_train=x, y_train=labels, x_test=x[:6], y_test=labels[:6])
np.savez(f"{folder}/texts.npz", x_train=pixels, y_train=np.array(["ant", "bée", "cat"])[labels], x_test=pixels[:6], y_test=np.array(["ant", "bée", "cat"])[labels[:6]])

planes = (np.arange(4 * 3072) * 11 % 256).astype(np.uint8).reshape(4, 3072)
with tarfile.open(f"{folder}/cifar.tar.gz", "w:gz") as archive:
    for name, part in (("train", planes), ("test", planes[:2])):
        for key in ("text",):
            fields = {"data": part, "fine_labels": list(range(len(part))), "coarse_labels": [1] * len(part), "filenames": ["x.png"] * len(part)}
            content = pickle.dumps(fields, protocol=2)
            entry = tarfile.TarInfo(f"cifar-100-python/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
`;

test('arrays of NumPy of every type and order, and a pickled archive', { timeout: 120_000 }, async ({
  skip,
}) => {
  if (python === undefined) return skip();
  await promisify(execFile)(python, ['-c', script, folder]);
  const context = { cacheDir: join(folder, 'cache'), roots: [folder] };
  const load = (choice: object) => {
    const parsed = datasets.schema.parse(choice);
    return datasets.get(parsed.source).load(parsed, context);
  };
  const pixels = Array.from({ length: 1800 }, (_, i) => (i * 7) % 256);
  for (const name of ['uint8', 'int64', 'big', 'fortran', 'float16', 'float32', 'float64']) {
    const set = await load({ source: 'npz', path: `${name}.npz` });
    expect([...(await allInputs(set.train))], name).toEqual(pixels);
    expect([...set.train.labels], name).toEqual(Array.from({ length: 30 }, (_, i) => i % 3));
  }
  expect((await load({ source: 'npz', path: 'texts.npz' })).classes).toEqual(['ant', 'b\u00e9e', 'cat']);
  const cifar = await load({ source: 'cifar100', path: 'cifar.tar.gz' });
  expect([...cifar.train.labels, ...cifar.test.labels]).toEqual([0, 1, 2, 3, 0, 1]);
  const inputs = await allInputs(cifar.train);
  expect([...inputs.subarray(3072, 3075)]).toEqual([0, 1024, 2048].map((at) => ((3072 + at) * 11) % 256));
});
