import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { sha256 } from '@distillery/spec';
import { expect, onTestFinished, test } from 'vitest';
import { answers, ensureDownloaded } from './download.ts';
import { contextIn, errorOf, temporaryFolder } from './testing/fixtures.ts';

const body = Buffer.alloc(100_000, 'bytes');
const digest = sha256(body);

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/file`;
}

async function fetchFrom(
  url: string,
  { bytes = body.length, expected = digest, signal = undefined as AbortSignal | undefined } = {},
) {
  const folder = await temporaryFolder();
  const target = join(folder, 'downloads', 'file');
  const context = { ...(await contextIn(folder)), ...(signal === undefined ? {} : { signal }) };
  const done = ensureDownloaded({ url, bytes, sha256: expected }, target, context, 'do this');
  return { done, target, left: () => readdir(join(folder, 'downloads')), context };
}

test('downloads once, and again when the copy is damaged', async () => {
  let requests = 0;
  const url = await serve((_, response) => {
    requests++;
    response.end(body);
  });
  const { done, target, left, context } = await fetchFrom(url);
  await done;
  expect(await readFile(target)).toEqual(body);
  expect(await left()).toEqual(['file']);
  const again = () => ensureDownloaded({ url, bytes: body.length, sha256: digest }, target, context, '');
  await again();
  expect(requests).toBe(1);
  await writeFile(target, 'damaged');
  await again();
  expect(requests).toBe(2);
  expect(await readFile(target)).toEqual(body);
});

test('wrong content is a data_error with both digests, and leaves no file', async () => {
  const url = await serve((_, response) => response.end(body));
  const wrong = await fetchFrom(url, { expected: '0'.repeat(64) });
  const error = await errorOf(wrong.done);
  expect(error.code).toBe('data_error');
  expect(error.message).toContain(digest);
  expect(error.message).toContain('0'.repeat(64));
  expect(await wrong.left()).toEqual([]);
});

test('a body beyond the expected length is cut off', async () => {
  const url = await serve((_, response) => response.end(body));
  const long = await fetchFrom(url, { bytes: 1000 });
  expect(await errorOf(long.done)).toMatchObject({
    code: 'data_error',
    message: `${url} is longer than the expected 1000 bytes`,
  });
  expect(await long.left()).toEqual([]);
});

test('a failed download is data_unavailable, with advice', async () => {
  const missing = await serve((_, response) => response.writeHead(404).end());
  const broken = await serve((_, response) => {
    response.writeHead(200, { 'content-length': body.length });
    response.write(body.subarray(0, 10), () => response.destroy());
  });
  const short = await serve((_, response) => response.end(body.subarray(0, 10)));
  const cases: [string, RegExp][] = [
    ['http://127.0.0.1:1/file', /./],
    [missing, /HTTP 404; do this$/],
    [broken, /; do this$/],
    [short, /ended after 10 of 100000 bytes; do this$/],
  ];
  for (const [url, message] of cases) {
    const { done, left } = await fetchFrom(url);
    const error = await errorOf(done);
    expect(error.code).toBe('data_unavailable');
    expect(error.message).toMatch(message);
    expect(error.cause).toBeInstanceOf(Error);
    expect(await left()).toEqual([]);
  }
});

test('a download that is cancelled throws the reason of the signal', async () => {
  const cancelled = new AbortController();
  const url = await serve((_, response) => {
    response.write('x');
    cancelled.abort(new Error('cancelled by the user'));
  });
  const { done, left } = await fetchFrom(url, { signal: cancelled.signal });
  expect((await errorOf(done)).message).toBe('cancelled by the user');
  expect(await left()).toEqual([]);
});

test('answers() distinguishes a host that answers from one that does not, in bounded time', async () => {
  expect(await answers(await serve((_, response) => response.end()), 3000)).toBe(true);
  expect(await answers(await serve((_, response) => response.writeHead(503).end()), 3000)).toBe(false);
  expect(await answers('http://127.0.0.1:1/file', 3000)).toBe(false);
  expect(await answers(await serve(() => {}), 50)).toBe(false);
});
