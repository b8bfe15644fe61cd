import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { archiveEntries } from './archives/archive.ts';
import { sha256OfFile } from './download.ts';
import { openRegularFile } from './regular-file.ts';
import { temporaryFolder } from './testing/fixtures.ts';
import { recordsOf } from './rows/records.ts';

test('opens a regular file, and nothing else', async () => {
  const folder = await temporaryFolder();
  const at = (name: string) => join(folder, name);
  await writeFile(at('file'), 'content');
  const file = await openRegularFile(at('file'));
  expect(await file.readFile('utf8')).toBe('content');
  await file.close();

  execFileSync('mkfifo', [at('pipe')]);
  await mkdir(at('folder'));
  const server = createServer().listen(at('socket'));
  try {
    for (const path of [at('pipe'), at('folder'), at('socket'), '/dev/zero']) {
      await expect(openRegularFile(path), path).rejects.toThrow(new RangeError('is not a regular file'));
    }
  } finally {
    server.close();
  }
  await expect(openRegularFile(at('gone'))).rejects.toMatchObject({ code: 'ENOENT' });
});

test('no reader of files waits for a pipe', async () => {
  const pipe = join(await temporaryFolder(), 'pipe');
  execFileSync('mkfifo', [pipe]);
  const refused = new RangeError('is not a regular file');
  const file = { path: pipe, encoding: 'utf-8', header: true, missingLabels: [] } as const;
  const rows = recordsOf(file, () => ['text']);
  await expect(rows.next()).rejects.toThrow(refused);
  await expect(archiveEntries(pipe).next()).rejects.toThrow(refused);
  await expect(sha256OfFile(pipe)).rejects.toThrow(refused);
});
