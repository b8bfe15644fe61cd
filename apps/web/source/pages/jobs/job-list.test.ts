import type { JobSummary } from '@distillery/spec';
import { expect, test } from 'vitest';
import { emptyList, positionBefore, withPage } from './job-list.ts';

const job = (id: string, progress = 0) => ({ id, progress }) as JobSummary;
const ids = (list: ReturnType<typeof withPage>) => list.jobs.map(({ id }) => id).join('');

test('pages follow each other, and the last one ends the list', () => {
  const first = withPage(emptyList, null, { jobs: [job('f'), job('e')], next: 'e' });
  expect([ids(first), first.more]).toEqual(['fe', true]);
  const second = withPage(first, 'e', { jobs: [job('d'), job('c')], next: null });
  expect([ids(second), second.more]).toEqual(['fedc', false]);
});

test('a page that is loaded again replaces its range alone', () => {
  const all = withPage(emptyList, null, { jobs: ['f', 'e', 'd', 'c', 'b'].map((id) => job(id)), next: null });
  const newer = withPage(all, null, { jobs: [job('g'), job('f', 50), job('d')], next: 'd' });
  expect(ids(newer), 'g is new, e was deleted').toBe('gfdcb');
  expect(newer.jobs[1].progress).toBe(50);
  expect(newer.more).toBe(false);
});

test('one job is loaded again from the position before it; when it has gone, its successor comes back', () => {
  const all = withPage(emptyList, null, { jobs: ['f', 'e', 'd'].map((id) => job(id)), next: 'd' });
  expect(positionBefore(all, 'f')).toBeNull();
  expect(positionBefore(all, 'e')).toBe('f');
  expect(positionBefore(all, 'x')).toBeUndefined();
  expect(ids(withPage(all, 'f', { jobs: [job('e', 9)], next: 'e' }))).toBe('fed');
  expect(ids(withPage(all, 'f', { jobs: [job('d')], next: 'd' }))).toBe('fd');
  const last = withPage(all, 'e', { jobs: [], next: null });
  expect([ids(last), last.more]).toEqual(['fe', false]);
});
