import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { refuse, SplitDraft } from './split-draft.ts';
import { temporaryFolder } from './testing/fixtures.ts';

test('inputs of a split must have one length', async () => {
  const draft = await SplitDraft.create(join(await temporaryFolder(), 'draft'));
  draft.put(0, 0, Uint8Array.of(1, 2));
  expect(() => draft.put(1, 0, Uint8Array.of(1))).toThrow('an input has 1 bytes, expected 2');
  await draft.file.close();
});

test('a split without samples is empty', async () => {
  const path = join(await temporaryFolder(), 'draft');
  const draft = await SplitDraft.create(path);
  expect(await draft.finish()).toEqual(new Int32Array());
  await draft.file.close();
  expect(await readFile(path)).toHaveLength(0);
});

test.each([
  ['ENOSPC', 'disk_full', /the disk is full/],
  ['EDQUOT', 'disk_full', /the disk is full/],
  ['EROFS', 'data_unavailable', /^the decoded copy cannot be written: read-only/],
])('%s from the disk is %s', (code, name, message) => {
  const error = Object.assign(new Error('read-only or full'), { code });
  expect(() => refuse(error)).toThrow(
    expect.objectContaining({ code: name, message: expect.stringMatching(message) }),
  );
});
