import type { ScrubReport } from '@distillery/spec';
import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { scrubText } from './scrub.ts';

const report: ScrubReport = {
  state: 'done',
  remove: false,
  content: true,
  jobs: 0,
  artifacts: 0,
  services: 0,
  newStore: false,
  startedAt: '2026-01-01T00:00:00.000Z',
  finishedAt: '2026-01-01T00:00:01.000Z',
  blobs: 1200,
  bytes: 2048,
  totalBytes: 2048,
  manifests: 3,
  damaged: 0,
  missing: 0,
  removed: 0,
  findings: [],
  error: null,
};
const job = 'job_01ARZ3NDEKTSV4RRFFQ69G5FAV';
const finding: Omit<ScrubReport['findings'][number], 'jobs'> = {
  kind: 'blob',
  name: 'a'.repeat(64),
  fault: 'damaged',
  manifests: [],
  removed: false,
};

test('an intact store is one line', () => {
  expect(scrubText(report)).toBe('  1,200 files (2.0 KiB) and 3 manifests are intact.');
});

test('what is damaged or missing is listed with its jobs and the remedy, within 80 columns', () => {
  const text = stripVTControlCharacters(
    scrubText({
      ...report,
      damaged: 1,
      missing: 2,
      findings: [
        { ...finding, jobs: [job] },
        { ...finding, fault: 'missing', jobs: [job, job] },
      ],
    }),
  );
  expect(text).toContain('  1 damaged, 2 missing, of 1,200 files');
  expect(text).toMatch(new RegExp(`damaged +aaaaaaaaaaaa +${job}\n`));
  expect(text).toMatch(new RegExp(`missing +aaaaaaaaaaaa +${job} and others\n`));
  expect(text).toContain('and 1 more');
  expect(text).toContain('distill retry JOB');
  for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
});

test('a scrub that did not end tells why', () => {
  expect(scrubText({ ...report, state: 'failed', error: 'the store cannot read a blob: EIO' })).toMatch(
    /not complete, the store cannot read a blob: EIO/,
  );
  expect(scrubText({ ...report, state: 'stopped' })).toMatch(/not complete, its service ended/);
});
