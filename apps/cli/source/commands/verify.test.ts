import type { ScrubReport } from '@distillery/spec';
import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { verifyText } from './verify.ts';

const report: ScrubReport = {
  state: 'done',
  remove: false,
  content: false,
  startedAt: '2026-01-01T00:00:00.000Z',
  finishedAt: '2026-01-01T00:00:01.000Z',
  jobs: 12,
  artifacts: 1200,
  services: 0,
  newStore: false,
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
  fault: 'missing',
  manifests: [],
  removed: false,
};

test('a store that has everything is told in two lines', () => {
  expect(verifyText(report)).toBe(
    '  12 jobs were read; they and the manifests name 1,200 files.\n  Nothing is missing.',
  );
});

test('each job that misses files is listed once with its remedy, within 80 columns', () => {
  const findings = [
    { ...finding, jobs: [job] },
    { ...finding, jobs: [job] },
    { ...finding, jobs: [] },
  ];
  const text = stripVTControlCharacters(verifyText({ ...report, missing: 3, findings }));
  expect(text).toContain('3 are missing');
  expect(text.match(new RegExp(`^ +${job} +2$`, 'gm'))).toHaveLength(1);
  expect(text.match(new RegExp(`^ +distill retry ${job}$`, 'gm'))).toHaveLength(1);
  expect(text).toContain('1 of them are named by manifests alone');
  for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
});

test('a store of another service, and one that is younger than the jobs, are told', () => {
  expect(verifyText({ ...report, services: 1 })).toMatch(/1 other service has used the store/);
  expect(verifyText({ ...report, newStore: true })).toMatch(/younger than the oldest job/);
});

test('a check that did not end tells why', () => {
  expect(verifyText({ ...report, state: 'failed', error: 'the store cannot be read: EIO' })).toMatch(
    /not complete, the store cannot be read: EIO/,
  );
});
