import { mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { initialValues, trace } from '@distillery/engine';
import { formats, type NamedTensor, permute, safetensors } from '@distillery/formats';
import { architectures, bind } from '@distillery/models';
import { type Network, networkSchema } from '@distillery/spec';
import { afterAll, expect, test } from 'vitest';
import { collectLeftovers } from './artifacts/collect.ts';
import { sweepStore } from './artifacts/sweep.ts';
import { privateApi, problem } from './testing/api.ts';

const folder = mkdtempSync(join(tmpdir(), 'distillery-networks-'));
const held = privateApi({ roots: [folder], collection: { everyMs: 3_600_000 } });
afterAll(() => rm(folder, { recursive: true }));

const classes = [
  'circle',
  'ring',
  'crescent',
  'triangle',
  'square',
  'pentagon',
  'star',
  'cross',
  'heart',
  'arrow',
];
const described = {
  name: 'my lightnn',
  architecture: { type: 'lightnn' },
  classes,
  input: [32, 32, 3],
  normalization: { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] },
  license: 'apache-2.0',
};

/** The tensors of a network as PyTorch saves them, with the counters and the prefix that data parallelism adds. */
const choice = architectures.schema.parse(described.architecture);
const plan = trace(bind(architectures.get('lightnn'), choice, { classes: 10 }), [32, 32, 3]);
const values = initialValues(plan.parameters, 7);
const tensors: NamedTensor[] = plan.parameters.map(({ name, shape, interchange }) => ({
  name,
  dtype: 'F32',
  ...permute(values[name], shape, interchange),
}));
const counter: NamedTensor = {
  name: 'bn.num_batches_tracked',
  dtype: 'I64',
  shape: [],
  data: BigInt64Array.of(3n),
};
const wrapped = [...tensors, counter].map((tensor) => ({ ...tensor, name: `module.${tensor.name}` }));

function file(name: string, format: string, parameters: readonly NamedTensor[]): string {
  const { encode, options } = formats.get(format);
  writeFileSync(join(folder, name), encode({ parameters, metadata: {} }, options.parse({})));
  return name;
}

async function keep(body: object): Promise<Network> {
  const response = await held.post('/v1/networks', body);
  expect(response.status, await response.clone().text()).toBe(201);
  const network = networkSchema.parse(await response.json());
  expect(response.headers.get('location')).toBe(`/v1/networks/${network.id}`);
  return network;
}

const read = async (path: string) => (await held.request(path)).json();

test.each([
  ['PyTorch', 'model.pt', 'torch', wrapped],
  ['safetensors', 'model.safetensors', 'safetensors', tensors],
  ['NumPy', 'model.npz', 'npz', tensors],
])(
  'a network is kept from a file of %s, and is a teacher by its digest',
  async (name, path, format, parameters) => {
    const network = await keep({ ...described, name, path: file(path, format, parameters) });
    expect(network).toMatchObject({ ...described, name, owner: null, parameters: plan.parameterCount });
    expect(await read(`/v1/networks/${network.id}`)).toEqual(network);
    expect(((await read('/v1/networks')) as { networks: Network[] }).networks).toContainEqual(network);
    // Every file leads to the same weights, in the network's order.
    const stored = safetensors.decode(await held.store.read(network.weights.digest));
    expect(stored.parameters.map((one) => [one.name, ...one.shape])).toEqual(
      tensors.map((one) => [one.name, ...one.shape]),
    );
    expect(stored.parameters[0].data).toEqual(tensors[0].data);
    expect(Object.keys(stored.metadata).sort()).toEqual([
      'architecture',
      'classes',
      'format',
      'graph',
      'input',
      'normalization',
    ]);
    // Keeping it again makes no second one.
    expect(await keep({ ...described, name, path })).toEqual(network);

    const spec = {
      dataset: { source: 'shapes', trainCount: 100, testCount: 50 },
      teacher: { type: 'stored', weights: network.weights.digest },
      students: [{ name: 'soft', architecture: { type: 'lightnn' }, method: [{ type: 'soft_target' }] }],
    };
    const planned = await held.post('/v1/jobs/validate', spec);
    expect(planned.status, await planned.clone().text()).toBe(200);
  },
);

test('weights of another network are refused name by name', async () => {
  const [first, second, ...rest] = tensors;
  const path = file('wrong.pt', 'torch', [
    { ...first, shape: [...first.shape].reverse() },
    ...rest,
    { ...second, name: 'surplus.weight' },
  ]);
  const response = await held.post('/v1/networks', { ...described, path });
  expect(response.status).toBe(422);
  const refused = await problem(response);
  expect(refused.code).toBe('invalid_network');
  expect(refused.errors).toEqual([
    {
      path: `/weights/${first.name}`,
      message: `has the shape [${[...first.shape].reverse()}], expected [${first.shape}]`,
      value: [...first.shape].reverse(),
    },
    { path: `/weights/${second.name}`, message: `is missing, expected [${second.shape}]` },
    { path: '/weights/surplus.weight', message: 'belongs to no layer of the network' },
  ]);
});

test.each<[string, object, object]>([
  ['no file', { path: 'nothing.pt' }, { path: '/path', message: 'does not exist' }],
  [
    'a file elsewhere',
    { path: '/etc/hostname' },
    { path: '/path', message: 'is not under an allowed folder' },
  ],
  [
    'a link that leads out',
    { path: 'link.pt' },
    { path: '/path', message: 'is not under an allowed folder' },
  ],
  ['an unknown architecture', { architecture: { type: 'resnet9000' } }, { path: '/architecture/type' }],
  ['an unknown option', { architecture: { type: 'lightnn', depth: 3 } }, { path: '/architecture/depth' }],
  ['a network for texts', { architecture: { type: 'text_transformer' } }, { path: '/architecture/type' }],
  ['an image that is too small', { input: [2, 2, 3] }, { path: '/input' }],
  ['too few means', { normalization: { mean: [0.5], std: [1, 1, 1] } }, { path: '/normalization/mean' }],
  [
    'a deviation of 0',
    { normalization: { mean: [0, 0, 0], std: [1, 0, 1] } },
    { path: '/normalization/std', value: 0 },
  ],
  ['one class', { classes: ['a'] }, { path: '/classes' }],
  ['an unknown field', { tag: 1 }, { path: '/tag' }],
])('what does not fit is refused with its field: %s', async (_, change, error) => {
  file('fine.pt', 'torch', tensors);
  if (!('path' in change) || change.path === 'link.pt') {
    await rm(join(folder, 'link.pt'), { force: true });
    symlinkSync('/etc/hostname', join(folder, 'link.pt'));
  }
  const response = await held.post('/v1/networks', { ...described, path: 'fine.pt', ...change });
  expect(response.status).toBe(422);
  expect(await problem(response)).toMatchObject({ code: 'invalid_network', errors: [error] });
});

test('a file that is no weights is refused', async () => {
  writeFileSync(join(folder, 'text.pt'), 'hello, this is no file of weights at all');
  const response = await held.post('/v1/networks', { ...described, path: 'text.pt' });
  expect([response.status, (await problem(response)).code]).toEqual([422, 'invalid_network']);
});

test('weights stay while the network is kept, through sweeps and collections, and go when it is removed', async () => {
  const network = await keep({
    ...described,
    name: 'to remove',
    classes: [...classes].reverse(),
    path: file('own.npz', 'npz', tensors),
  });
  const there = async () => (await held.store.stat(network.weights.digest)) !== undefined;
  await delay(20);
  await sweepStore(held.queue, held.store, { before: new Date(8.64e15), remove: true, force: true });
  await collectLeftovers(held.queue, held.store, { marginMs: 0 });
  expect(await there()).toBe(true);
  expect((await held.request(`/v1/networks/${network.id}`, { method: 'DELETE' })).status).toBe(204);
  const gone = await held.request(`/v1/networks/${network.id}`);
  expect([gone.status, (await problem(gone)).code]).toEqual([404, 'network_not_found']);
  await delay(20);
  await collectLeftovers(held.queue, held.store, { marginMs: 0 });
  expect(await there()).toBe(false);
});
