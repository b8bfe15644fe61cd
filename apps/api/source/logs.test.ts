import { type JobLogs, jobLogsSchema, type LogLine } from '@distillery/spec';
import { expect, test } from 'vitest';
import { privateApi, problem, submitted } from './testing/api.ts';

const held = privateApi();

const line = (message: string, level: LogLine['level'] = 'info', source: LogLine['source'] = 'trainer') => ({
  source,
  level,
  message,
});

async function logged(): Promise<string> {
  const { attempts } = held.queue;
  const { id } = await submitted(held);
  const begin = async (stage: string) => {
    const begun = await attempts.begin(id, stage, 'w');
    if ('skip' in begun) throw new Error(begun.skip);
    return begun;
  };
  const teacher = await begin('teacher');
  await attempts.log(teacher, [line('starts', 'info', 'supervisor'), line('slow', 'warn')]);
  await attempts.warning(teacher, 'not a line');
  await attempts.log(teacher, [line('broken\nat once', 'error')]);
  await attempts.log(
    teacher,
    Array.from({ length: 2500 }, (_, i) => line(`step ${i}`)),
  );
  return id;
}

async function logs(id: string, query = ''): Promise<JobLogs> {
  return jobLogsSchema.parse(await (await held.request(`/v1/jobs/${id}/logs${query}`)).json());
}
const messages = ({ lines }: JobLogs) => lines.map(({ message }) => message);

test('the newest lines come first to hand, and the lines behind a position in pages', async () => {
  const id = await logged();
  const newest = await logs(id);
  expect(messages(newest)).toEqual(Array.from({ length: 200 }, (_, i) => `step ${2300 + i}`));
  expect(newest.more).toBe(false);
  expect(await logs(id, `?after=${newest.after}`)).toEqual({ lines: [], after: newest.after, more: false });

  const all: string[] = [];
  let page = await logs(id, '?after=0-0&tail=900');
  for (; ; page = await logs(id, `?after=${page.after}&tail=900`)) {
    all.push(...messages(page));
    if (!page.more) break;
  }
  expect(all).toHaveLength(2503);
  expect(all.slice(0, 4)).toEqual(['starts', 'slow', 'broken\nat once', 'step 0']);
});

test('lines are chosen by stage and by how serious they are, also behind thousands of others', async () => {
  const id = await logged();
  expect(messages(await logs(id, '?level=warn'))).toEqual(['slow', 'broken\nat once']);
  expect(messages(await logs(id, '?level=error&stage=teacher'))).toEqual(['broken\nat once']);
  expect(messages(await logs(id, '?stage=outputs'))).toEqual([]);
  expect((await logs(id, '?tail=1&level=warn')).lines).toMatchObject([
    { stage: 'teacher', attempt: 1, source: 'trainer', level: 'error', message: 'broken\nat once' },
  ]);
  expect((await problem(await held.request(`/v1/jobs/${id}/logs?stage=x`))).code).toBe('stage_not_found');
  expect((await problem(await held.request(`/v1/jobs/${id}/logs?tail=0`))).code).toBe('malformed_request');
});

test('text has one line for each, with further lines of a message indented', async () => {
  const id = await logged();
  const response = await held.request(`/v1/jobs/${id}/logs?level=warn`, {
    headers: { accept: 'text/plain' },
  });
  expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8');
  expect((await response.text()).replaceAll(/^\d\S+Z /gm, '')).toBe(
    'warn  teacher: slow\nerror teacher: broken\n  at once\n',
  );
});

/** The lines of a text that is followed: empty ones keep the connection open. */
const linesOf = (text: string) =>
  text
    .split('\n')
    .filter((one) => one !== '')
    .map((one) => one.replace(/^\S+Z +\w+ +/, ''));

test('followed, the newest lines come first, then those to come, until the job has ended', async () => {
  const { attempts, control } = held.queue;
  const { id } = await submitted(held);
  const begun = await attempts.begin(id, 'teacher', 'w');
  if ('skip' in begun) throw new Error(begun.skip);
  await attempts.log(begun, [line('one'), line('two', 'warn'), line('three', 'warn')]);
  const path = `/v1/jobs/${id}/logs?follow=true&tail=1&level=warn`;
  const [text, events] = await Promise.all([
    held.request(path, { headers: { accept: 'text/plain' } }),
    held.request(path),
  ]);
  expect([text, events].map(({ headers }) => headers.get('content-type'))).toEqual([
    'text/plain; charset=utf-8',
    'text/event-stream; charset=utf-8',
  ]);
  await attempts.log(begun, [line('four'), line('five\nand more', 'error')]);
  await control.cancel(id);
  await attempts.handBack(begun);
  expect(linesOf(await text.text())).toEqual(['teacher: three', 'teacher: five', '  and more']);
  const told = [...(await events.text()).matchAll(/^id: (.*)\nevent: (.*)\ndata: (.*)$/gm)];
  expect(told.map(([, , type]) => type)).toEqual(['log', 'log', 'job']);
  expect(told.map(([, , , data]) => JSON.parse(data) as object)).toMatchObject([
    { message: 'three', level: 'warn' },
    { message: 'five\nand more', level: 'error' },
    { state: 'cancelled' },
  ]);

  const after = (event: string) => held.request(path, { headers: { 'last-event-id': event } });
  expect((await (await after(told[0][1])).text()).match(/^event: .*$/gm)).toEqual([
    'event: log',
    'event: job',
  ]);
  expect((await after(told[2][1])).status).toBe(204);
  const unknown = await held.request(`/v1/jobs/${id}/logs?follow=true&stage=x`);
  expect((await problem(unknown)).code).toBe('stage_not_found');
});

test('a job without a line that has ended ends the stream, and so does the end of the API', async () => {
  const { id } = await submitted(held);
  const api = await held.start({ heartbeatSeconds: 0.1 });
  const open = await fetch(`${api.url}/v1/jobs/${id}/logs?follow=true`, {
    headers: { accept: 'text/plain' },
  });
  const closing: Promise<void>[] = [];
  for await (const part of open.body ?? []) {
    expect(Buffer.from(part).toString()).toMatch(/^\n+$/);
    if (closing.length === 0) closing.push(api.close());
  }
  await Promise.all(closing);
  expect(closing).toHaveLength(1);
  await held.queue.control.cancel(id);
  expect(
    (await (await held.request(`/v1/jobs/${id}/logs?follow=true`)).text()).match(/^event: .*$/gm),
  ).toEqual(['event: job']);
});
