import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type JobEvent, jobEventSchema, type ResetEvent, resetEventSchema } from '@distillery/spec';
import { afterEach, expect, test } from 'vitest';
import { privateApi, problem, submitted } from './testing/api.ts';

const held = privateApi({ heartbeatSeconds: 0.3 });

interface Message {
  id?: string;
  event?: string;
  data?: string;
  retry?: string;
}

/** The messages of a text of server-sent events; comments are left out. */
function messagesOf(text: string): Message[] {
  return text
    .split('\n\n')
    .slice(0, -1)
    .map((block) => Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/s, 2))) as Message)
    .filter((message) => !('' in message) && !(':' in message));
}
const eventsOf = (text: string): JobEvent[] =>
  messagesOf(text).flatMap(({ data }) => (data === undefined ? [] : [JSON.parse(data) as JobEvent]));

/** An open stream: what has come so far. */
interface Open {
  response: Response;
  text(): string;
  ended: Promise<string>;
}
let opened: AbortController[] = [];
afterEach(() => {
  for (const one of opened) one.abort();
  opened = [];
});

async function open(path: string, headers: Record<string, string> = {}, url = held.api.url): Promise<Open> {
  const controller = new AbortController();
  opened.push(controller);
  const response = await fetch(url + path, { headers, signal: controller.signal });
  let text = '';
  const read = async () => {
    const decoder = new TextDecoder();
    for await (const bytes of response.body ?? [])
      text += decoder.decode(bytes as Uint8Array, { stream: true });
    return text;
  };
  const ended = read();
  ended.catch(() => {});
  return { response, text: () => text, ended };
}

const count = (text: () => string, number: number) =>
  expect.poll(() => eventsOf(text()).length, { timeout: 10_000 }).toBeGreaterThanOrEqual(number);

async function logging(id: string) {
  const begun = await held.queue.attempts.begin(id, 'teacher', 'w');
  if ('skip' in begun) throw new Error(begun.skip);
  const log = (lines: number, message = 'x') =>
    held.queue.attempts.log(
      begun,
      Array.from({ length: lines }, () => ({ source: 'trainer', level: 'info', message })),
    );
  return { begun, log };
}

test('a job from its first event to its end, then 204', async () => {
  const { id } = await submitted(held);
  const path = `/v1/jobs/${id}/events`;
  const { response, text, ended } = await open(path, { 'accept-encoding': 'gzip' });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  expect(response.headers.get('content-encoding')).toBeNull();
  expect(response.headers.get('x-request-id')).toMatch(/./);
  expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  await count(text, 1);
  const { log, begun } = await logging(id);
  await log(20, 'two\nlines, ü\u2028');
  await held.queue.control.cancel(id);
  await held.queue.attempts.handBack(begun);

  const stored = await held.queue.events.read(id);
  expect(eventsOf(await ended)).toEqual(stored);
  expect(stored.at(-1)).toMatchObject({ type: 'job', state: 'cancelled' });
  const [first, ...messages] = messagesOf(text());
  expect(first).toEqual({ retry: '500' });
  for (const [i, { id: place, event, data }] of messages.entries()) {
    expect(jobEventSchema.parse(JSON.parse(data as string))).toEqual(stored[i]);
    expect([place, event]).toEqual([stored[i]?.id, stored[i]?.type]);
  }

  const from = stored[7].id;
  for (const [query, headers] of [
    [`?after=${from}`, {}],
    ['', { 'last-event-id': from }],
    [`?after=${stored[2]?.id}`, { 'last-event-id': from }],
  ] as const) {
    expect(eventsOf(await (await open(path + query, headers)).ended)).toEqual(stored.slice(8));
  }
  expect(
    (await held.request(path, { headers: { 'last-event-id': stored.at(-1)?.id as string } })).status,
  ).toBe(204);
});

test('a trimmed past is a reset with the view, and what is kept', async () => {
  const { id } = await submitted(held);
  const { log } = await logging(id);
  await log(500);
  const stored = await held.queue.events.read(id);
  const { hostname, password, port } = new URL(held.redis.url);
  const redis = connect(Number(port), hostname);
  redis.end(`AUTH ${password}\r\nXTRIM {distillery}:job:${id}:events MAXLEN 100\r\n`);
  await once(redis.resume(), 'close');
  const { text } = await open(`/v1/jobs/${id}/events?after=${stored[5]?.id}`);
  await count(text, 101);
  const [reset, ...kept] = eventsOf(text()) as [unknown, ...JobEvent[]];
  expect(resetEventSchema.parse(reset)).toMatchObject({
    job: id,
    latest: stored.at(-1)?.id,
    view: { id, state: 'running', stages: expect.any(Array) },
  });
  expect(messagesOf(text())[1]?.id).toBeUndefined();
  expect(kept).toEqual(stored.slice(-100));
});

test('all jobs in one stream, which goes on behind an event', async () => {
  const { response, text } = await open('/v1/events');
  expect(response.status).toBe(200);
  await count(text, 1);
  const reset = eventsOf(text())[0] as unknown as ResetEvent;
  expect(resetEventSchema.parse(reset)).toMatchObject({ job: null, view: null });
  // A reader that is cut off now goes on from here.
  expect(messagesOf(text())[1]?.id).toBe(reset.latest);
  const [one, two] = [await submitted(held), await submitted(held)];
  await (await logging(two.id)).log(1);
  await count(text, 6);
  const events = eventsOf(text()).slice(1);
  expect(events.map(({ job, type }) => `${job} ${type}`)).toEqual([
    `${one.id} job`,
    ...['job', 'job', 'stage', 'log'].map((type) => `${two.id} ${type}`),
  ]);
  const again = await open('/v1/events', { 'last-event-id': reset.latest as string });
  await count(again.text, 5);
  expect(eventsOf(again.text())).toEqual(events);
});

test('what cannot be followed is refused before a stream begins', async () => {
  const { id } = await submitted(held);
  const path = `/v1/jobs/${id}/events`;
  const refusals: [number, string, string, Record<string, string>][] = [
    [404, 'job_not_found', '/v1/jobs/job_00000000000000000000000000/events', {}],
    [400, 'malformed_request', `${path}?after=1`, {}],
    [400, 'malformed_request', path, { 'last-event-id': 'x' }],
    [400, 'malformed_request', '/v1/events?after=0', {}],
    [406, 'not_acceptable', path, { accept: 'application/json' }],
  ];
  for (const [status, code, where, headers] of refusals) {
    const response = await held.request(where, { headers });
    expect([response.status, (await problem(response)).code]).toEqual([status, code]);
  }
  expect((await held.request(path, { method: 'HEAD' })).headers.get('content-type')).toMatch(
    'text/event-stream',
  );

  const strict = await held.start({ apiKeys: 'required' });
  const few = await held.start({ apiStreams: 2 });
  try {
    expect((await fetch(strict.url + path)).status).toBe(401);
    for (let i = 0; i < 2; i++) expect((await open(path, {}, few.url)).response.status).toBe(200);
    const third = await fetch(few.url + path);
    expect([third.status, third.headers.get('retry-after')]).toEqual([503, '2']);
    expect(await problem(third)).toMatchObject({
      code: 'overloaded',
      detail: expect.stringContaining('API_STREAMS'),
    });
    // A stream that its reader leaves makes room.
    opened.at(-1)?.abort();
    const status = async () => (await open(path, {}, few.url)).response.status;
    await expect.poll(status, { timeout: 10_000 }).toBe(200);
  } finally {
    await few.close();
    await strict.close();
  }
});

/** Asks for a stream and reads nothing. */
async function lazy(url: string, path: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {});
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  socket.pause();
  await once(socket, 'connect');
  return socket;
}

test('a reader that takes nothing is dropped, others get everything', { timeout: 60_000 }, async () => {
  const { id } = await submitted(held);
  const path = `/v1/jobs/${id}/events`;
  const { log } = await logging(id);
  const slow = await lazy(held.api.url, path);
  const { text } = await open(path);
  // More than the buffers of the two sockets hold.
  for (let i = 0; i < 20; i++) await log(400, 'x'.repeat(2000));
  await count(text, 8003);
  await new Promise((resolve) => setTimeout(resolve, 2000));
  let bytes = 0;
  slow.on('data', ({ length }) => (bytes += length));
  slow.resume();
  await once(slow, 'close');
  expect(bytes).toBeLessThan(text().length / 2);
});

test('comments keep an idle stream open', async () => {
  const { id } = await submitted(held);
  const { text } = await open(`/v1/jobs/${id}/events`);
  await expect.poll(() => text().match(/^:$/gm)?.length ?? 0, { timeout: 10_000 }).toBeGreaterThan(2);
  expect(eventsOf(text())).toHaveLength(1);
});

test('streams end when the API closes, also those that nobody reads', { timeout: 30_000 }, async () => {
  const api = await held.start({ heartbeatSeconds: 100 });
  const { id } = await submitted(held);
  const path = `/v1/jobs/${id}/events`;
  const { log } = await logging(id);
  await log(3000, 'x'.repeat(3000));
  const idle = await Promise.all(Array.from({ length: 20 }, () => open('/v1/events', {}, api.url)));
  const stalled = await lazy(api.url, path);
  const { text, ended } = await open(path, {}, api.url);
  await count(text, 3003);
  await api.close();
  await Promise.all([ended, ...idle.map((one) => one.ended)]);
  stalled.resume();
  await once(stalled, 'close');
});
