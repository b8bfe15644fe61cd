import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { digestOf, sha256 } from '@distillery/spec';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isIntact } from '../intact.ts';
import type { BlobInfo, ManifestSchema, Store } from '../store.ts';

/** A store under test, empty at first, with ways to damage what it keeps. */
export interface OpenedStore {
  store: Store;
  /** Milliseconds between two times that the store can tell apart; default: 1. */
  resolution?: number;
  /** Another client of the same data, as another process would have. */
  reopen(): Promise<Store>;
  /** Replaces the stored bytes of a blob. */
  overwriteBlob(digest: string, bytes: Uint8Array): Promise<void>;
  /** Replaces the stored text of a manifest. */
  overwriteManifest(name: string, text: string): Promise<void>;
  /** What the store has warned of so far. */
  warnings: string[];
  /** Names of the files that unfinished writes have left. */
  leftovers(): Promise<string[]>;
  close(): Promise<void>;
}

const text = (value: string) => new TextEncoder().encode(value);
const absent = sha256('absent');

/** The tests that every kind of store must pass; call it from a test file. */
export function describeStore(name: string, open: () => Promise<OpenedStore>): void {
  describe(name, () => {
    let opened: OpenedStore;
    let store: Store;
    /** Waits until the store's clock has moved on. */
    let tick: () => Promise<unknown>;
    beforeEach(async () => {
      opened = await open();
      store = opened.store;
      const { resolution = 1 } = opened;
      tick = () => delay(Math.max(20, 1.1 * resolution));
    });
    afterEach(async () => {
      expect(await opened.leftovers()).toEqual([]);
      await opened.close();
    });

    describe('blobs', () => {
      test.each([
        ['no bytes', new Uint8Array(0)],
        ['a few', text('hello')],
        ['a view into a larger buffer', text('xhellox').subarray(1, 6)],
      ])('keep %s', async (_, bytes) => {
        const info = await store.put(bytes);
        expect(info).toEqual({ digest: sha256(bytes), size: bytes.length });
        expect(await store.stat(info.digest)).toEqual(info);
        const read = await store.read(info.digest);
        expect(read).toEqual(new Uint8Array(bytes));
        expect([read.byteOffset, read.buffer.byteLength]).toEqual([0, bytes.length]);
      });

      test('come in as a stream and are seen by another client', async () => {
        const info = await store.put(chunked('hel', '', 'lo'));
        expect(info).toEqual({ digest: sha256('hello'), size: 5 });
        expect(await (await opened.reopen()).read(info.digest)).toEqual(text('hello'));
      });

      test('can be put again, also at once', async () => {
        const infos = await Promise.all(Array.from({ length: 20 }, () => store.put(text('same'))));
        expect(new Set(infos.map((info) => info.digest))).toEqual(new Set([sha256('same')]));
        expect(await store.read(infos[0].digest)).toEqual(text('same'));
      });

      test('that are absent are refused, by their digest', async () => {
        expect(await store.stat(absent)).toBeUndefined();
        for (const call of [
          () => store.read(absent),
          () => store.stream(absent),
          () => store.open(absent),
          () => store.open(absent, { verify: true }),
        ]) {
          await expect(call()).rejects.toMatchObject({
            code: 'checkpoint_not_found',
            message: expect.stringMatching(/has no blob/),
          });
        }
      });

      test.each([
        ['other bytes', 'jello'],
        ['fewer', 'hell'],
        ['none', ''],
        ['more', 'hello!'],
      ])('with %s do not verify, and are healed by a put', async (_, damaged) => {
        const { digest } = await store.put(text('hello'));
        await opened.overwriteBlob(digest, text(damaged));
        await expect(store.read(digest)).rejects.toMatchObject({
          code: 'artifact_corrupt',
          message: expect.stringMatching(/damaged/),
        });
        await store.put(text('hello'));
        expect(await store.read(digest)).toEqual(text('hello'));
      });

      test('are removed, twice without an error', async () => {
        const { digest } = await store.put(text('hello'));
        await store.remove(digest);
        await store.remove(digest);
        expect(await store.stat(digest)).toBeUndefined();
      });

      test('are listed by when they were last put', async () => {
        const all = async (before: Date) => {
          const found: BlobInfo[] = [];
          for await (const blob of store.blobs(before)) found.push(blob);
          return found;
        };
        const later = () => new Date(Date.now() + 60_000);
        expect(await all(later())).toEqual([]);
        const infos = [
          await store.put(text('hello')),
          await store.put(text('')),
          await store.put(text('you')),
        ];
        expect(await all(later())).toEqual(infos.sort((a, b) => (a.digest < b.digest ? -1 : 1)));
        expect(await all(new Date(Date.now() - 60_000))).toEqual([]);
        // What is put again while others are looked at is left out.
        const [first, second, third] = infos;
        await tick();
        const start = new Date();
        await tick();
        const listed: string[] = [];
        for await (const { digest } of store.blobs(start)) {
          listed.push(digest);
          if (digest === first.digest) await store.put(await store.read(second.digest));
        }
        expect(listed).toEqual([first.digest, third.digest]);
      });

      test('that were put or renewed since a time are not removed as unused', async () => {
        const { digest } = await store.put(text('hello'));
        const put = await store.now();
        await tick();
        const later = await store.now();
        expect(await store.remove(digest, new Date(put.getTime() - 10_000))).toBe(false);
        expect(await store.renew(digest)).toBe(true);
        expect(await store.remove(digest, later)).toBe(false);
        expect(await store.read(digest)).toEqual(text('hello'));
        await tick();
        expect(await store.remove(digest, new Date((await store.now()).getTime() + 10_000))).toBe(true);
        expect(await store.stat(digest)).toBeUndefined();
        expect(await store.remove(digest, later)).toBe(true);
        expect(await store.renew(digest)).toBe(false);
      });

      test('are left or absent as a whole while one client uses what another finds unused', async () => {
        const rounds = Array.from({ length: 20 }, (_, round) => text(`hello ${round}`));
        const infos = await Promise.all(rounds.map((bytes) => store.put(bytes)));
        await tick();
        const unused = await store.now();
        await tick();
        const outcomes = infos.map(async ({ digest }) => {
          const [renewed, removed] = await Promise.all([store.renew(digest), store.remove(digest, unused)]);
          const there = (await store.stat(digest)) !== undefined;
          expect(removed).toBe(!there);
          if (renewed) expect(there).toBe(true);
        });
        await Promise.all(outcomes);
      });

      test('are read at any position, up to their end', async () => {
        const { digest } = await store.put(text('hello'));
        for (const options of [{}, { verify: true }]) {
          const reader = await store.open(digest, options);
          expect([reader.digest, reader.size]).toEqual([digest, 5]);
          const into = new Uint8Array(3);
          expect([reader.read(1, into), Buffer.from(into).toString()]).toEqual([3, 'ell']);
          expect([reader.read(3, into), Buffer.from(into).toString()]).toEqual([2, 'lol']);
          expect(reader.read(5, into)).toBe(0);
          await reader.close();
        }
        const nothing = await store.open((await store.put(text(''))).digest, { verify: true });
        expect([nothing.size, nothing.read(0, new Uint8Array(1))]).toEqual([0, 0]);
        await nothing.close();
      });

      test('stay readable while they are open, even after they were removed', async () => {
        const { digest } = await store.put(text('hello'));
        const reader = await store.open(digest);
        await store.remove(digest);
        const into = new Uint8Array(5);
        expect([reader.read(0, into), Buffer.from(into).toString()]).toEqual([5, 'hello']);
        await reader.close();
      });

      test('are verified when they are opened, where asked for', async () => {
        const { digest } = await store.put(text('hello'));
        const verified = () => store.open(digest, { verify: true }).then((reader) => reader.close());
        await verified();
        expect(await isIntact(store, digest)).toBe(true);
        await delay(10);
        await opened.overwriteBlob(digest, text('jello'));
        await expect(verified()).rejects.toMatchObject({
          code: 'artifact_corrupt',
          message: expect.stringMatching(/damaged/),
        });
        expect(await isIntact(store, digest)).toBe(false);
        // Reading on without verification is the caller's choice.
        await (await store.open(digest)).close();
        await store.put(text('hello'));
        await verified();
        expect([await isIntact(store, digest), await isIntact(store, absent)]).toEqual([true, false]);
      });

      test('pass the error of their source on and leave nothing', async () => {
        const failure = new Error('the source broke');
        async function* broken() {
          yield text('half');
          throw failure;
        }
        await expect(store.put(broken())).rejects.toBe(failure);
        const strings = chunked('text') as AsyncIterable<unknown>;
        async function* wrong() {
          for await (const _ of strings) yield 'text' as unknown as Uint8Array;
        }
        await expect(store.put(wrong())).rejects.toThrow('a store takes bytes, not a string');
        expect(await opened.leftovers()).toEqual([]);
        expect(await store.stat(sha256('half'))).toBeUndefined();
      });

      test('of any size pass in bounded memory', async () => {
        const mebibyte = 1024 * 1024;
        const chunks = 256;
        const hash = createHash('sha256');
        let peak = 0;
        const before = process.memoryUsage();
        const look = () => {
          const now = process.memoryUsage();
          peak = Math.max(peak, now.external - before.external, now.arrayBuffers - before.arrayBuffers);
        };
        async function* source() {
          for (let index = 0; index < chunks; index++) {
            const chunk = new Uint8Array(mebibyte).fill(index);
            hash.update(chunk);
            look();
            yield chunk;
          }
        }
        const info = await store.put(source());
        expect(info).toEqual({ digest: hash.digest('hex'), size: chunks * mebibyte });
        const back = createHash('sha256');
        for await (const chunk of await store.stream(info.digest)) {
          back.update(chunk as Uint8Array);
          look();
        }
        expect(back.digest('hex')).toBe(info.digest);
        // Garbage that is not collected yet counts too, so the bound is loose; the whole blob would be 256 MiB.
        expect(peak).toBeLessThan((chunks / 2) * mebibyte);
      }, 30_000);
    });

    describe('ranges', () => {
      test.each([
        [0, 0, 'h'],
        [1, 3, 'ell'],
        [4, 4, 'o'],
        [2, 100, 'llo'],
        [0, 4, 'hello'],
      ])('%i-%i', async (start, end, expected) => {
        const { digest } = await store.put(text('hello'));
        expect(await drain(store, digest, { start, end })).toBe(expected);
      });

      test('are the whole where none is given, also of nothing', async () => {
        for (const whole of ['hello', '']) {
          expect(await drain(store, (await store.put(text(whole))).digest)).toBe(whole);
        }
      });

      test.each([
        [5, 9],
        [3, 2],
        [-1, 2],
        [0.5, 2],
        [0, Number.NaN],
      ])('%d-%d cannot be satisfied', async (start, end) => {
        const { digest } = await store.put(text('hello'));
        await expect(store.stream(digest, { start, end })).rejects.toMatchObject({
          code: 'range_not_satisfiable',
          message: `the range ${start}-${end} is outside the 5 bytes of the blob`,
        });
      });
    });

    describe('manifests', () => {
      test('are created once, with what JSON keeps of them', async () => {
        const first = await store.commit('teachers/0a', { epoch: 1, note: undefined });
        expect(first).toStrictEqual({ created: true, manifest: { epoch: 1 } });
        expect(await store.commit('teachers/0a', { epoch: 2 })).toEqual({
          created: false,
          manifest: { epoch: 1 },
        });
        expect(await (await opened.reopen()).manifest('teachers/0a')).toEqual({ epoch: 1 });
      });

      test('have one winner of many', async () => {
        const clients = [store, await opened.reopen(), await opened.reopen()];
        const commits = await Promise.all(
          Array.from({ length: 24 }, (_, writer) => clients[writer % 3].commit('race', { writer })),
        );
        const winners = commits.filter((commit) => commit.created);
        expect(winners).toHaveLength(1);
        expect(new Set(commits.map((commit) => commit.manifest.writer)).size).toBe(1);
        expect(await store.manifest('race')).toEqual(winners[0].manifest);
      });

      test('are removed, twice without an error, and their name is free again', async () => {
        await store.commit('a/b', { step: 1 });
        await store.removeManifest('a/b');
        await store.removeManifest('a/b');
        await store.removeManifest('never/was');
        expect(await store.manifest('a/b')).toBeUndefined();
        expect(await store.commit('a/b', { step: 2 })).toEqual({ created: true, manifest: { step: 2 } });
      });

      test('that were committed or renewed since a time are not removed as unused', async () => {
        await store.commit('a/b', { step: 1 });
        await tick();
        const later = await store.now();
        expect(await store.renewManifest('a/b')).toBe(true);
        expect(await store.removeManifest('a/b', later)).toBe(false);
        expect(await store.manifest('a/b')).toEqual({ step: 1 });
        expect(await store.removeManifest('a/b', new Date(later.getTime() + 10_000))).toBe(true);
        expect(await store.manifest('a/b')).toBeUndefined();
        expect(await store.renewManifest('a/b')).toBe(false);
        expect(await store.removeManifest('a/b', later)).toBe(true);
      });

      test('of which one is removed while many are committed still have a winner', async () => {
        const work = Array.from({ length: 30 }, async (_, index) => {
          if (index % 3 === 0) await store.removeManifest('busy');
          else expect(await store.commit('busy', { index })).toHaveProperty('manifest');
        });
        await Promise.all(work);
      });

      test('are listed by folder, sorted, at any depth', async () => {
        // Names that a careless layout would mix up: a name that is also a folder, or looks like a file.
        const names = [
          'jobs/b/2',
          'jobs/b/10',
          'jobs/b',
          'jobs/b.json',
          'jobs/b.json/x',
          'jobs/bb/1',
          'top',
          'a-b_C.9',
        ];
        for (const name of names)
          expect(await store.commit(name, { name })).toEqual({ created: true, manifest: { name } });
        expect(await store.list('jobs/b')).toEqual(['jobs/b/10', 'jobs/b/2']);
        expect(await store.list('')).toEqual([...names].sort());
        expect(await store.list('absent')).toEqual([]);
        for (const name of names) expect(await store.manifest(name)).toEqual({ name });
      });

      test('that JSON cannot keep are refused', async () => {
        await expect(store.commit('x', { loss: Number.NaN })).rejects.toThrow(RangeError);
        await expect(store.commit('x', () => 1)).rejects.toThrow(TypeError);
        await expect(store.commit('x', { run: () => 1 })).rejects.toThrow(TypeError);
        await expect(store.commit('x', ['a list'])).rejects.toThrow(TypeError);
        await expect(store.commit('x', { check: 'mine' })).rejects.toThrow(RangeError);
        expect(await store.list('')).toEqual([]);
      });

      const entry = { epoch: 1, blob: 'b' };
      const stored = JSON.stringify({ blob: 'b', check: digestOf(entry), epoch: 1 });
      test.each([
        ['are cut short', stored.slice(0, 9), 'is not a JSON object'],
        ['are empty', '', 'is not a JSON object'],
        ['are a list', '[1]', 'is not a JSON object'],
        ['have another value', stored.replace('1}', '3}'), 'does not match its digest'],
        ['have another name', stored.replace('blob', 'blod'), 'does not match its digest'],
        ['have another digest', stored.replace(/"check":".{64}/, `"check":"${absent}`), 'its digest'],
      ])('that %s count as absent, with a warning, and are replaced', async (_, damaged, reason) => {
        await store.commit('x', entry);
        await opened.overwriteManifest('x', stored);
        expect(await store.manifest('x')).toEqual(entry);
        expect(opened.warnings).toEqual([]);
        await opened.overwriteManifest('x', damaged);
        expect(await store.manifest('x')).toBeUndefined();
        expect(opened.warnings).toEqual([expect.stringContaining(reason)]);
        expect(opened.warnings[0]).toContain('the manifest x ');
        const commits = await Promise.all(
          Array.from({ length: 8 }, (__, writer) => store.commit('x', { writer })),
        );
        const winners = commits.filter(({ created }) => created);
        expect(winners).toHaveLength(1);
        expect(await store.manifest('x')).toEqual(winners[0].manifest);
      });

      test('of another form than the schema count as absent, and are replaced', async () => {
        const schema: ManifestSchema<{ epoch: number }> = {
          safeParse: (value) => {
            const { epoch } = value as { epoch?: unknown };
            if (typeof epoch === 'number') return { success: true, data: { epoch } };
            return { success: false, error: { message: 'epoch is not a number' } };
          },
        };
        await store.commit('x', { epoch: 'one' });
        expect(await store.manifest('x', schema)).toBeUndefined();
        expect(opened.warnings).toEqual([expect.stringContaining('epoch is not a number')]);
        expect(await store.commit('x', { epoch: 1 }, schema)).toEqual({
          created: true,
          manifest: { epoch: 1 },
        });
        const other = await store.commit('x', { epoch: 2 }, schema);
        expect(other).toEqual({ created: false, manifest: { epoch: 1 } });
        expect(await store.manifest('x', schema)).toEqual({ epoch: 1 });
      });

      test('of versions that kept no digest are read as they are', async () => {
        await store.commit('x', {});
        await opened.overwriteManifest('x', '{"epoch":1}');
        expect(await store.manifest('x')).toEqual({ epoch: 1 });
        expect(await store.commit('x', { epoch: 2 })).toEqual({ created: false, manifest: { epoch: 1 } });
        expect(opened.warnings).toEqual([]);
      });
    });

    describe('refuses', () => {
      test.each([
        ['', /a segment is empty/],
        ['/etc', /a segment is empty/],
        ['a//b', /a segment is empty/],
        ['a/', /a segment is empty/],
        ['..', /a segment is \.\./],
        ['a/../../b', /a segment is \.\./],
        ['a/./b', /a segment is \./],
        ['a b', /a character outside/],
        ['a\\b', /a character outside/],
        ['a\0', /a character outside/],
        ['é', /a character outside/],
        ['a+manifest.json', /a character outside/],
        ['a\n', /a character outside/],
        ['x'.repeat(201), /a segment is longer than 200/],
        ['x/'.repeat(400) + 'x', /longer than 800/],
      ])('the name %j', async (name, message) => {
        const refusal = { code: 'malformed_request', message: expect.stringMatching(message) };
        await expect(store.commit(name, {})).rejects.toMatchObject(refusal);
        await expect(store.manifest(name)).rejects.toMatchObject(refusal);
        await expect(store.removeManifest(name)).rejects.toMatchObject(refusal);
        if (name !== '') await expect(store.list(name)).rejects.toMatchObject(refusal);
      });

      test.each(['', 'abc', `../../${absent}`, absent.toUpperCase(), `${absent}\n`])(
        'the digest %j',
        async (digest) => {
          const refusal = {
            code: 'malformed_request',
            message: expect.stringMatching(/is not a SHA-256 digest/),
          };
          for (const method of ['read', 'stat', 'stream', 'open', 'remove'] as const) {
            await expect(store[method](digest)).rejects.toMatchObject(refusal);
          }
        },
      );

      test('nothing of the longest name', async () => {
        const name = Array.from({ length: 3 }, () => 'x'.repeat(200)).join('/');
        expect((await store.commit(name, {})).created).toBe(true);
        expect(await store.list('')).toEqual([name]);
      });
    });
  });
}

async function* chunked(...chunks: string[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield text(chunk);
}

async function drain(store: Store, digest: string, range?: { start: number; end: number }): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of await store.stream(digest, range)) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks).toString();
}
