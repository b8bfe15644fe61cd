import { request as plainRequest } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { privateApi, problem } from '../testing/api.ts';
import { readPageFiles } from './files.ts';

const api = privateApi();

/** The headers and the length of what is sent, which `fetch` would decompress. */
function sent(
  path: string,
  acceptEncoding: string,
): Promise<{ encoding: string | undefined; length: number }> {
  return new Promise((resolve, reject) => {
    const headers = { 'accept-encoding': acceptEncoding };
    plainRequest(api.api.url + path, { headers }, (response) => {
      let length = 0;
      response.on('data', (chunk: Buffer) => {
        length += chunk.length;
      });
      response.on('end', () => resolve({ encoding: response.headers['content-encoding'], length }));
    })
      .on('error', reject)
      .end();
  });
}

test('answers with the page at its addresses, under a policy without anything inline', async () => {
  for (const path of ['/', '/jobs', '/jobs?state=failed']) {
    const response = await api.request(path);
    expect(response.status, path).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(response.headers.get('cache-control')).toBe('no-cache');
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
    expect(policy).not.toContain('unsafe');
    expect(await response.text()).not.toMatch(/<style|<script>|style=|onload=/);
  }
});

test('every file that the page names is there, for ever under its name, and compressed beforehand', async () => {
  const html = await (await api.request('/')).text();
  const names = [...html.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, name]) => name);
  expect(names.length).toBeGreaterThanOrEqual(4);
  for (const name of names) {
    const response = await api.request(name);
    expect(response.status, name).toBe(200);
    const lasting = name.startsWith('/assets/');
    expect(response.headers.get('cache-control'), name).toContain(lasting ? 'immutable' : 'no-cache');
    const plain = (await response.arrayBuffer()).byteLength;
    for (const encoding of ['br', 'gzip']) {
      const compressed = await sent(name, encoding);
      expect(compressed.encoding, name).toBe(encoding);
      expect(compressed.length, name).toBeLessThan(plain);
    }
    expect(await sent(name, 'br;q=0, identity'), name).toEqual({ encoding: undefined, length: plain });
  }
});

test('answers 304 to who has the page', async () => {
  const etag = (await api.request('/')).headers.get('etag') ?? '';
  expect((await api.request('/', { headers: { 'if-none-match': etag } })).status).toBe(304);
});

test('other paths stay errors of the API', async () => {
  for (const path of ['/v1/nothing', '/nothing', '/assets/nothing.js', '/assets/../package.json']) {
    const response = await api.request(path);
    expect(response.status, path).toBe(404);
    expect((await problem(response)).code).toBe('not_found');
  }
  const response = await api.post('/jobs', {});
  expect(response.status).toBe(405);
});

test('a folder without a built page is known as such', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'distillery-page-'));
  try {
    expect(await readPageFiles(pathToFileURL(`${folder}/`))).toBeUndefined();
    expect(await readPageFiles(pathToFileURL(join(folder, 'missing/')))).toBeUndefined();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
