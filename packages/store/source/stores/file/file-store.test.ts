import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  type FileHandle,
  mkdir,
  mkdtemp,
  open,
  readdir,
  rm,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative as relativePath } from 'node:path';
import { pathToFileURL } from 'node:url';
import { sha256 } from '@distillery/spec';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openStore } from '../../open-store.ts';
import { describeStore } from '../../testing/conformance.ts';
import { blobFile, manifestFile } from '../../testing/files.ts';

const makeTemporary = () => mkdtemp(join(tmpdir(), 'distillery-store-'));

describeStore('the file store', async () => {
  const folder = await makeTemporary();
  const warnings: string[] = [];
  const open = () => openStore(folder, { warn: (message) => warnings.push(message) });
  const store = await open();
  return {
    store,
    reopen: open,
    overwriteBlob: (digest, bytes) => writeFile(blobFile(store, digest), bytes),
    overwriteManifest: (name, text) => writeFile(manifestFile(store, name), text),
    warnings,
    leftovers: () => readdir(join(folder, 'incoming')),
    close: () => rm(folder, { recursive: true }),
  };
});

describe('the file store on a disk', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await makeTemporary();
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await rm(folder, { recursive: true });
  });

  test('opens a folder that is not there yet, and one by a relative path', async () => {
    const nested = join(folder, 'a', 'b');
    const first = await openStore(nested);
    const { digest } = await first.put(Buffer.from('x'));
    expect(first.url).toBe(pathToFileURL(nested).href);
    const relative = await openStore(relativePath(process.cwd(), nested));
    expect(relative.url).toBe(first.url);
    expect(await (await openStore(first.url)).stat(digest)).toEqual({ digest, size: 1 });
  });

  test('its files and folders belong to its user alone', async () => {
    const store = await openStore(join(folder, 'store'));
    await store.put(Buffer.from('x'));
    await store.commit('a/b', {});
    for (const name of ['.', ...(await readdir(join(folder, 'store'), { recursive: true }))]) {
      expect((await stat(join(folder, 'store', name))).mode & 0o077, name).toBe(0);
    }
  });

  test('cannot open a file', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(openStore(join(folder, 'file'))).rejects.toMatchObject({
      code: 'store_unavailable',
      message: expect.stringMatching(/^the store cannot open its folder: E/),
      cause: { syscall: 'mkdir' },
    });
  });

  test('sweeps what a killed process left a day ago, and nothing younger', async () => {
    await openStore(folder);
    const [old, young] = [join(folder, 'incoming', 'old'), join(folder, 'incoming', 'young')];
    const hours = (count: number) => Date.now() / 1000 - count * 3600;
    for (const [path, age] of [[old, 25] as const, [young, 23] as const]) {
      await writeFile(path, '');
      await utimes(path, hours(age), hours(age));
    }
    await openStore(folder);
    expect(await readdir(join(folder, 'incoming'))).toEqual(['young']);
  });

  test('sweeps at once what a process of this machine left that is gone, and leaves what one writes', async () => {
    const source = `
      import { openStore } from ${JSON.stringify(new URL('../../index.ts', import.meta.url).href)};
      const store = await openStore(${JSON.stringify(folder)});
      await store.put((async function* () {
        yield new Uint8Array(10);
        console.log('writing');
        await new Promise(() => setInterval(() => {}, 1000));
      })());
    `;
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', source], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    await openStore(folder);
    expect(await readdir(join(folder, 'incoming'))).toHaveLength(1);
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
    await openStore(folder);
    expect(await readdir(join(folder, 'incoming'))).toEqual([]);
  });

  test('a clock that is a day ahead removes no draft of another machine', async () => {
    await openStore(folder);
    await writeFile(join(folder, 'incoming', 'fresh'), '');
    vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 2 * 86_400_000);
    const store = await openStore(folder);
    expect(await readdir(join(folder, 'incoming'))).toEqual(['fresh']);
    vi.restoreAllMocks();
    expect(Math.abs((await store.now()).getTime() - Date.now())).toBeLessThan(60_000);
  });

  test('tells the time only where it can write', async () => {
    const store = await openStore(join(folder, 'store'));
    await rm(join(folder, 'store'), { recursive: true });
    await expect(store.now()).rejects.toMatchObject({ code: 'store_unavailable', retryable: true });
  });

  // A full or read-only disk fails in the methods of a handle, and a test cannot fill a disk on every machine.
  describe.each([
    ['ENOSPC', 'disk_full'],
    ['EDQUOT', 'disk_full'],
    ['EACCES', 'store_unavailable'],
    ['EROFS', 'store_unavailable'],
    ['EIO', 'store_unavailable'],
  ])('on %s', (code, expected) => {
    test.each(['writeFile', 'sync', 'close'] as const)(
      `of %s fails with ${expected} and leaves nothing`,
      async (method) => {
        const store = await openStore(folder);
        const fail = await faulty(method, code);
        for (const call of [() => store.put(Buffer.from('x')), () => store.commit('a/b', {})]) {
          await expect(fail(call)).rejects.toMatchObject({
            code: expected,
            retryable: expected === 'store_unavailable',
            message: expect.stringMatching(`^the store cannot write: .*${code}`),
            cause: { code },
          });
        }
        expect(await readdir(join(folder, 'incoming'))).toEqual([]);
        expect(await store.stat(sha256('x'))).toBeUndefined();
        expect(await store.manifest('a/b')).toBeUndefined();
      },
    );

    test(`of read fails with ${expected}`, async () => {
      const store = await openStore(folder);
      const { digest } = await store.put(Buffer.from('x'));
      const fail = await faulty('read', code);
      for (const call of [() => store.read(digest), () => store.open(digest, { verify: true })]) {
        await expect(fail(call)).rejects.toMatchObject({ code: expected, cause: { code } });
      }
    });
  });

  test('fails retryably where a file is in the way of a folder', async () => {
    const store = await openStore(folder);
    await mkdir(join(folder, 'blobs'));
    await writeFile(join(folder, 'blobs', sha256('x').slice(0, 2)), '');
    await writeFile(join(folder, 'manifests'), '');
    const refusal = { code: 'store_unavailable', cause: { syscall: expect.any(String) } };
    await expect(store.put(Buffer.from('x'))).rejects.toMatchObject(refusal);
    await expect(store.stat(sha256('x'))).rejects.toMatchObject(refusal);
    await expect(store.read(sha256('x'))).rejects.toMatchObject(refusal);
    await expect(store.open(sha256('x'))).rejects.toMatchObject(refusal);
    await expect(store.commit('a', {})).rejects.toMatchObject(refusal);
    await expect(store.manifest('a')).rejects.toMatchObject(refusal);
    await expect(store.list('')).rejects.toMatchObject(refusal);
    expect(await readdir(join(folder, 'incoming'))).toEqual([]);
  });

  test.skipIf(process.platform === 'win32')('meets the real limit on the size of a file', async () => {
    const put = `await store.put(new Uint8Array(1 << 20)).catch((error) => console.log(error.code, error.cause.code))`;
    const child = spawn('sh', [
      '-c',
      'ulimit -f 64; exec "$0" "$@"',
      process.execPath,
      ...script(folder, put),
    ]);
    expect(await output(child)).toBe('store_unavailable EFBIG\n');
    expect(await readdir(join(folder, 'incoming'))).toEqual([]);
  });

  test('gives each name one winner between processes', async () => {
    const names = 40;
    const race = `
      process.stdout.write('ready\\n');
      await new Promise((resolve) => process.stdin.once('data', resolve));
      const won = [];
      for (let name = 0; name < ${names}; name++) {
        const { created, manifest } = await store.commit('race/' + name, { pid: process.pid });
        if (created) won.push(name);
        if (created !== (manifest.pid === process.pid)) throw new Error('the winner is not the one that was kept');
      }
      console.log(JSON.stringify(won));
      process.exit();`;
    const children = Array.from({ length: 4 }, () => spawn(process.execPath, script(folder, race)));
    const outputs = children.map(output);
    await Promise.all(children.map((child) => once(child.stdout, 'data')));
    for (const child of children) child.stdin.write('go\n');
    const won = (await Promise.all(outputs)).flatMap((text) => JSON.parse(text.split('\n')[1]) as number[]);
    expect(won.sort((a, b) => a - b)).toEqual(Array.from({ length: names }, (_, name) => name));
    expect((await (await openStore(folder)).list('race')).length).toBe(names);
    expect(await readdir(join(folder, 'incoming'))).toEqual([]);
  }, 20_000);

  test('shows nothing of a put whose process was killed', async () => {
    const hang = `
      async function* source() { yield Buffer.from('half'); console.log('half'); await new Promise(() => setInterval(() => {}, 1e6)); }
      await store.put(source());`;
    const child = spawn(process.execPath, script(folder, hang));
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'close');
    expect(await readdir(join(folder, 'incoming'))).toHaveLength(1);
    await expect(stat(join(folder, 'blobs'))).rejects.toMatchObject({ code: 'ENOENT' });
    const { digest } = await (await openStore(folder)).put(Buffer.from('half'));
    expect((await stat(blobFile(await openStore(folder), digest))).size).toBe(4);
  });
});

/** A function that runs a call whose first use of a method of a file handle fails. */
async function faulty(method: 'writeFile' | 'sync' | 'close' | 'read', code: string) {
  const probe = await open(import.meta.filename, 'r');
  const prototype = Object.getPrototypeOf(probe) as FileHandle;
  await probe.close();
  const fail = () => Promise.reject(Object.assign(new Error(`${code}: as if`), { code, syscall: method }));
  return async (call: () => Promise<unknown>) => {
    // A handle has a `close` of its own, so that one is replaced on the way, and still really closes.
    const spy = vi.spyOn(prototype, method === 'close' ? 'sync' : method);
    spy.mockImplementationOnce(async function (this: FileHandle) {
      if (method !== 'close') return await fail();
      const close = this.close.bind(this);
      this.close = () => close().then(fail);
    });
    try {
      return await call();
    } finally {
      spy.mockRestore();
    }
  };
}

/** Arguments for Node that open the store in another process and run some code on it. */
function script(folder: string, code: string): string[] {
  const module = JSON.stringify(new URL('../../index.ts', import.meta.url).href);
  const open = `import { openStore } from ${module}; const store = await openStore(${JSON.stringify(folder)});`;
  return ['--import', 'tsx', '--input-type=module', '-e', `${open} ${code}`];
}

async function output(child: ChildProcess): Promise<string> {
  let text = '';
  let problems = '';
  child.stdout!.on('data', (chunk) => (text += chunk));
  child.stderr!.on('data', (chunk) => (problems += chunk));
  const [status] = await once(child, 'close');
  expect(problems).toBe('');
  expect(status).toBe(0);
  return text;
}
