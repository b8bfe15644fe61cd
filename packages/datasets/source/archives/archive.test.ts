import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { zipSync } from 'fflate';
import { randomStream } from '@distillery/engine';
import { expect, test } from 'vitest';
import { archiveEntries } from './archive.ts';
import { tarOf, temporaryFolder } from '../testing/fixtures.ts';

async function walk(bytes: Buffer) {
  const path = join(await temporaryFolder(), 'archive');
  await writeFile(path, bytes);
  const refused: [string, string][] = [];
  const entries: [string, string][] = [];
  for await (const entry of archiveEntries(path, (name, reason) => refused.push([name, reason]))) {
    entries.push([entry.name, (await entry.read()).toString()]);
  }
  return { entries, refused };
}

const files: [string, Buffer][] = [
  ['./a/one', Buffer.from('1')],
  ['a//two', Buffer.from('2'.repeat(3000))],
];

test.each([true, false])('reads a tar file under any name, gzip %s', async (gzip) => {
  const { entries } = await walk(await tarOf(files, { gzip }));
  expect(entries).toEqual([
    ['a/one', '1'],
    ['a/two', '2'.repeat(3000)],
  ]);
});

test('reads a zip file, and refuses names that lead out, links and damage', async () => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  const link = [bytes('/etc/passwd'), { os: 3, attrs: 0o120777 << 16 }] as const;
  const zipped = zipSync({
    'a/one.png': [bytes('one, as it is'), { level: 0 }],
    'a/': new Uint8Array(0),
    'größe/two.png': [bytes('2'.repeat(3000)), { level: 9 }],
    '../up': bytes('x'),
    '/etc/passwd': bytes('x'),
    soft: [...link],
  });
  const { entries, refused } = await walk(Buffer.from(zipped));
  expect(entries).toEqual([
    ['a/one.png', 'one, as it is'],
    ['größe/two.png', '2'.repeat(3000)],
  ]);
  expect(refused).toEqual([
    ['../up', 'has a name that leads out of the archive'],
    ['/etc/passwd', 'has an absolute name: pack the folder by a relative name'],
    ['soft', 'is a symlink, not a file'],
  ]);
  const damaged = Buffer.from(zipped);
  damaged[damaged.indexOf('one, as')] ^= 1;
  await expect(walk(damaged)).rejects.toThrow('a/one.png: its checksum is wrong');
  await expect(walk(Buffer.from(zipped.subarray(0, 100)))).rejects.toThrow('End of central directory');
});

test('damaged archives end in an error or in files inside, and nothing else', {
  timeout: 600_000,
}, async () => {
  await mutated(Number(process.env.FUZZ_FILES ?? 300));
});

/** Reads archives with some bytes changed. A reader that hangs runs into the time limit of the test. */
async function mutated(count: number): Promise<void> {
  const random = randomStream(1, 'fuzz', 'archives');
  const content = Object.fromEntries(files.map(([name, body]) => [name, new Uint8Array(body)]));
  const zstd = await readFile(join(import.meta.dirname, '../testing/archives/small.tar.zst'));
  const seeds = [
    Buffer.from(zipSync(content)),
    await tarOf(files, { gzip: false }),
    await tarOf(files),
    zstd,
  ];
  const path = join(await temporaryFolder(), 'archive');
  let refused = 0;
  for (let i = 0; i < count; i++) {
    const bytes = Buffer.from(seeds[i % seeds.length]);
    for (let changes = 1 + random.below(8); changes > 0; changes--)
      bytes[random.below(bytes.length)] = random.below(256);
    await writeFile(path, random.below(5) === 0 ? bytes.subarray(0, random.below(bytes.length)) : bytes);
    const names: string[] = [];
    let unpacked = 0;
    try {
      for await (const { name, read } of archiveEntries(path)) {
        names.push(name);
        unpacked += (await read()).length;
      }
    } catch {
      refused++;
    }
    expect(names.filter((name) => name.startsWith('/') || name.split('/').includes('..'))).toEqual([]);
    expect(unpacked).toBeLessThan(2 ** 26);
  }
  // Some changes hit what nobody reads, most hit something.
  expect(refused).toBeGreaterThan(count / 4);
  expect(refused).toBeLessThan(count);
}

test('contents that are not read are skipped', async () => {
  const path = join(await temporaryFolder(), 'archive');
  await writeFile(path, await tarOf(files));
  const names: string[] = [];
  for await (const { name } of archiveEntries(path)) names.push(name);
  expect(names).toEqual(['a/one', 'a/two']);
});

test('names that lead out, links and devices are refused', async () => {
  const { entries, refused } = await walk(
    await tarOf([
      ['../up', Buffer.from('x')],
      ['a/../../up', Buffer.from('x')],
      ['/etc/passwd', Buffer.from('x')],
      ['C:\\windows', Buffer.from('x')],
      ['soft', { type: 'symlink', linkname: '/etc/passwd' }],
      ['hard', { type: 'link', linkname: '../x' }],
      ['pipe', { type: 'fifo' }],
      ['folder', { type: 'directory' }],
      ['good', Buffer.from('x')],
    ]),
  );
  expect(entries).toEqual([['good', 'x']]);
  expect(refused.map(([name]) => name)).toEqual([
    '../up',
    'a/../../up',
    '/etc/passwd',
    'C:\\windows',
    'soft',
    'hard',
    'pipe',
  ]);
});

test('a truncated or foreign file ends in an error', async () => {
  const whole = await tarOf(files);
  await expect(walk(whole.subarray(0, whole.length - 20))).rejects.toThrow('unexpected end of file');
  await expect(walk((await tarOf(files, { gzip: false })).subarray(0, 700))).rejects.toThrow(/end/i);
  await expect(walk(Buffer.alloc(1024, 'not a tar'))).rejects.toThrow(/tar/);
});

test('a gzip file of padding alone ends in an error long before its end', async () => {
  const zeros = gzipSync(Buffer.alloc(2 ** 20));
  const whole = await tarOf(files);
  // The members of a gzip file follow each other.
  await expect(walk(Buffer.concat([whole, ...Array.from({ length: 64 }, () => zeros)]))).rejects.toThrow(
    /more than 16777216 bytes follow that belong to no entry/,
  );
});

test('an entry beyond the limit is refused before it is read', async () => {
  const bytes = await tarOf([['huge', Buffer.alloc(0)]], { gzip: false });
  // The size field of a header: octal digits at 124, which the checksum at 148 covers.
  bytes.write('07777777777', 124, 'ascii');
  const header = bytes.subarray(0, 512);
  header.fill(' ', 148, 156);
  header.write(
    `${header
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
    'ascii',
  );
  await expect(walk(bytes)).rejects.toThrow('huge is 1073741823 bytes long, more than 67108864');
});
