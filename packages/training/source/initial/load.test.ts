import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { initialValues, interchangeShape, trace } from '@distillery/engine';
import { architectures, bind } from '@distillery/models';
import { openStore } from '@distillery/store';
import { expect, onTestFinished, test } from 'vitest';
import { encodeWeights } from '../weights.ts';
import { fitCopies } from './fit.ts';
import { loadInitial } from './load.ts';
import { resizedPositions } from './positions.ts';

const planOf = (side: number, options: object = {}) => {
  const choice = architectures.schema.parse({
    type: 'vit',
    patch: 8,
    width: 12,
    depth: 1,
    heads: 2,
    ...options,
  });
  return trace(bind(architectures.get('vit'), choice, { classes: 3 }), [side, side, 3]);
};
const shapesOf = ({ parameters }: ReturnType<typeof planOf>) =>
  new Map(parameters.map((parameter) => [parameter.name, interchangeShape(parameter)]));
const whole = { classifier: 'copied' } as const;

test('a vision transformer starts from one for images of another size, with resized positions', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'distillery-load-initial-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const store = await openStore(folder);
  const [small, large] = [planOf(16), planOf(32)];
  const values = initialValues(small.parameters, 1);
  const { digest } = await store.put(encodeWeights(small.parameters, values));

  const { fields, ...copies } = fitCopies(large, new Set(), shapesOf(small), whole);
  expect(fields).toEqual([]);
  const warnings: string[] = [];
  const initial = { source: { weights: digest }, ...copies };
  const loaded = await loadInitial(store, digest, initial, large.parameters, {}, (text) =>
    warnings.push(text),
  );
  expect(warnings).toEqual([
    'the positions of the initial weights (pos_embed) were resized from 2×2 patches for 4×4',
  ]);
  expect(Object.keys(loaded).sort()).toEqual(large.parameters.map(({ name }) => name).sort());
  const grids = { before: 1, from: 2, to: 4 };
  expect(loaded.pos_embed).toEqual(resizedPositions(values.pos_embed, 12, grids));
  expect(loaded.pos_embed).toHaveLength(17 * 12);
  expect(loaded['blocks.0.attn.qkv.weight']).toEqual(values['blocks.0.attn.qkv.weight']);
});

test('positions of another width, and patches of another size, are refused by name', () => {
  const wide = fitCopies(planOf(32), new Set(), shapesOf(planOf(16, { width: 24 })), whole);
  expect(wide.fields.map(({ path }) => path)).toContain('/pos_embed');
  const patches = fitCopies(planOf(32, { patch: 4 }), new Set(), shapesOf(planOf(32)), whole);
  expect(new Set(patches.fields.map(({ path }) => path))).toEqual(new Set(['/patch_embed.proj.weight']));
});
