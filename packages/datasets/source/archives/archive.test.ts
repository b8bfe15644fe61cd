import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
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
