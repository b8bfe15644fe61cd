import { mkdtemp, readdir, readFile, rm, stat, truncate, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sha256 } from '@distillery/spec';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { layout } from '../../layout.ts';
import { openStore } from '../../open-store.ts';
import { describeStore, type OpenedStore } from '../../testing/conformance.ts';
import { type Fault, type S3TestServer, startS3Server } from '../../testing/s3-server.ts';

let server: S3TestServer;
let folder: string;
beforeAll(async () => {
  server = await startS3Server();
  folder = await mkdtemp(join(tmpdir(), 'distillery-s3-copies-'));
});
afterEach(() => {
  server.faults = undefined;
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

let stores = 0;

async function opened(
  options: Record<string, string> = {},
): Promise<OpenedStore & { url: string; cache: string }> {
  const cache = join(folder, String(stores++));
  const url = server.storeUrl({ cache, ...options });
  const warnings: string[] = [];
  const open = () => openStore(url, { warn: (message) => warnings.push(message) });
  return {
    url,
    cache,
    store: await open(),
    // The times of S3 are whole seconds.
    resolution: 1000,
    reopen: open,
    overwriteBlob: (digest, bytes) => server.overwrite(url, layout.blob(digest), bytes),
    overwriteManifest: (name, text) => server.overwrite(url, layout.manifest(name), Buffer.from(text)),
    warnings,
    async leftovers() {
      const keys = await server.keys(url);
      const local = await readdir(join(cache, 'incoming'));
      const begun = Array.from({ length: await server.unfinishedUploads() }, () => 'an unfinished upload');
      return [...keys.filter((key) => /^(removals|repairs|probes)\//.test(key)), ...local, ...begun];
    },
    close: () => Promise.resolve(),
  };
}

describeStore('the S3 store', () => opened());

describeStore('the S3 store behind a network that fails', async () => {
  const store = await opened();
  server.faults = someOf(0.03, ['refused', 'cut before', 'cut after', 'cut within']);
  return store;
});

/** Makes a share of all requests go wrong, always the same ones in a sequence. */
function someOf(share: number, kinds: readonly Fault[]) {
  let state = 1;
  const random = () => {
    // Park and Miller's generator: multiplicative, modulo 2^31 - 1.
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
  return (): Fault | undefined => (random() < share ? kinds[Math.floor(random() * kinds.length)] : undefined);
}

const mebibyte = 2 ** 20;

describe('the S3 store', () => {
  test('keeps large blobs in parts, and fetches them in parts', async () => {
    const { store, leftovers } = await opened();
    const bytes = new Uint8Array(20 * mebibyte + 7).map((_, index) => index >> 12);
    server.faults = someOf(0.2, ['refused', 'cut before', 'cut after', 'cut within']);
    const { digest } = await store.put(bytes);
    expect(digest).toBe(sha256(bytes));
    expect(sha256(await store.read(digest))).toBe(digest);
    const reader = await store.open(digest, { verify: true });
    const into = new Uint8Array(10);
    expect([reader.read(bytes.length - 3, into), ...into.subarray(0, 3)]).toEqual([3, ...bytes.subarray(-3)]);
    await reader.close();
    server.faults = undefined;
    expect(await leftovers()).toEqual([]);
  }, 60_000);

  test('goes on from the byte at which a stream was lost, also one that stalls', async () => {
    const { store } = await opened({ timeout: '1' });
    const bytes = new Uint8Array(3 * mebibyte).map((_, index) => index >> 12);
    const { digest } = await store.put(bytes);
    const kinds: Fault[] = ['cut within', 'stalled', 'cut within', 'cut within'];
    server.faults = (method) => (method === 'GET' ? kinds.shift() : undefined);
    const chunks: Buffer[] = [];
    for await (const chunk of await store.stream(digest)) chunks.push(chunk as Buffer);
    expect(sha256(Buffer.concat(chunks))).toBe(digest);
    expect(kinds).toEqual([]);
  }, 30_000);

  test('is unavailable, with the reason, where the service keeps failing, and leaves nothing', async () => {
    const { store, leftovers } = await opened();
    server.faults = (_, path) => (path.includes('partNumber=2') ? 'cut before' : undefined);
    await expect(store.put(new Uint8Array(9 * mebibyte))).rejects.toMatchObject({
      code: 'store_unavailable',
      message: expect.stringMatching(/^the store cannot write a blob: (ECONNRESET|EPIPE)$/),
    });
    server.faults = undefined;
    expect(await leftovers()).toEqual([]);
  }, 60_000);

  test('says what is wrong when it is opened', async () => {
    for (const [url, message] of [
      [
        server.storeUrl().replace('distillery', 'absent'),
        /NoSuchBucket, status 404; create the bucket first/,
      ],
      [
        's3://distillery?endpoint=http://127.0.0.1:9&timeout=1',
        /the store cannot create an object: ECONNREFUSED/,
      ],
    ] as const) {
      await expect(openStore(url)).rejects.toMatchObject({
        code: 'store_unavailable',
        message: expect.stringMatching(message),
      });
    }
    const key = process.env.AWS_ACCESS_KEY_ID;
    process.env.AWS_ACCESS_KEY_ID = 'wrong';
    try {
      await expect(openStore(server.storeUrl())).rejects.toThrow(
        /InvalidAccessKeyId, status 403; check AWS_ACCESS_KEY_ID/,
      );
    } finally {
      process.env.AWS_ACCESS_KEY_ID = key;
    }
  }, 60_000);

  test('reads what lies on this machine only while it is what the bucket has', async () => {
    const { store, cache, overwriteBlob } = await opened();
    const { digest } = await store.put(new TextEncoder().encode('hello'));
    const gets = () => server.requests.get('GET') ?? 0;
    const read = async () => {
      const before = gets();
      const reader = await store.open(digest, { verify: true });
      await reader.close();
      return gets() - before;
    };
    expect([await read(), await read()]).toEqual([1, 0]);
    // A copy that was cut short is fetched again; so is one that decayed.
    const [name] = await readdir(join(cache, 'copies'));
    await truncate(join(cache, 'copies', name), 2);
    expect(await read()).toBe(1);
    await overwriteBlob(digest, new TextEncoder().encode('jello'));
    await expect(read()).rejects.toMatchObject({ code: 'artifact_corrupt' });
  });

  test('keeps a copy of what it has written from a stream, and removes those that were not used for long', async () => {
    const { store, cache } = await opened({ cache_bytes: String(3 * mebibyte) });
    const copies = async () => (await readdir(join(cache, 'copies'))).map((name) => name.slice(0, 64)).sort();
    const digests: string[] = [];
    for (let value = 0; value < 5; value++) {
      async function* source() {
        yield new Uint8Array(mebibyte).fill(value);
      }
      const { digest } = await store.put(source());
      digests.push(digest);
      // As if it was used hours ago, the later ones last.
      const [name] = (await readdir(join(cache, 'copies'))).filter((one) => one.startsWith(digest));
      const used = new Date(Date.now() - (10 - value) * 3_600_000);
      await utimes(join(cache, 'copies', name), used, used);
    }
    expect(await copies()).toEqual(digests.slice(2).sort());
    const before = server.requests.get('GET') ?? 0;
    await (await store.open(digests[4])).close();
    expect(server.requests.get('GET')).toBe(before);
    await (await store.open(digests[0])).close();
    expect(server.requests.get('GET')).toBe(before + 1);
    expect(await copies()).toEqual([digests[0], digests[3], digests[4]].sort());
  });

  test('is the same store when its objects are copied to or from a folder', async () => {
    const { store, url } = await opened();
    const place = join(folder, 'as-files');
    const files = await openStore(place);
    const { digest } = await files.put(new TextEncoder().encode('hello'));
    await files.commit('a/b', { digest });
    for (const name of await readdir(place, { recursive: true })) {
      const path = join(place, name);
      if (!(await stat(path)).isFile()) continue;
      await server.overwrite(url, name, await readFile(path));
    }
    expect(await store.manifest('a/b')).toEqual({ digest });
    expect(Buffer.from(await store.read(digest)).toString()).toBe('hello');
  });

  test('waits for the end of a removal that another process has announced', async () => {
    const { store, url } = await opened();
    const { digest } = await store.put(new TextEncoder().encode('hello'));
    const key = `removals/${layout.blob(digest)}/another`;
    await server.overwrite(url, key, new Uint8Array());
    let done = false;
    const renewed = store.renew(digest).then((result) => {
      done = true;
      return result;
    });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(done).toBe(false);
    // The other process deletes the blob and takes its announcement back.
    await store.remove(digest);
    await server.remove(url, key);
    expect(await renewed).toBe(false);
  });
});

test('what killed processes left is removed after a day', async () => {
  const { url, reopen, leftovers } = await opened();
  for (const key of ['removals/blobs/aa/x/1', 'repairs/x', 'probes/x'])
    await server.overwrite(url, key, new Uint8Array());
  await reopen();
  expect(await leftovers()).toHaveLength(3);
  await server.age(url, 25 * 3_600_000);
  await reopen();
  expect(await leftovers()).toEqual([]);
});

describe('a service without conditional writes', () => {
  let plain: S3TestServer;
  beforeAll(async () => {
    plain = await startS3Server({ conditional: false });
  });
  afterAll(() => plain.close());

  test('is refused, with the remedy', async () => {
    await expect(openStore(plain.storeUrl())).rejects.toMatchObject({
      code: 'malformed_request',
      message: expect.stringMatching(/ignores If-None-Match: .* add conditional_writes=unchecked to the URL/),
    });
  });

  test('is used with a warning where the URL says so', async () => {
    const warnings: string[] = [];
    const url = plain.storeUrl({ conditional_writes: 'unchecked' });
    const store = await openStore(url, { warn: (message) => warnings.push(message) });
    expect(warnings).toEqual([expect.stringMatching(/ignores If-None-Match.* goes on all the same/)]);
    expect(await store.commit('x', { epoch: 1 })).toMatchObject({ created: true });
    expect(await plain.keys(url)).toEqual(['manifests/x+manifest.json']);
  });
});
