import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Service, startService } from '../testing/service.ts';
import { describeInBrowser, testBrowser } from './testing/browser.ts';
import { smallSpec } from './testing/jobs.ts';

// The SDK as a page of somebody else would use it: bundled by Vite, in Chromium, against a real service.

/** The page's own code. What it finds is `window.found`. */
const entry = `
import { createClient } from '@distillery/client';

const client = createClient('/');
const id = new URLSearchParams(location.search).get('job');

async function all() {
  const planned = await client.jobs.validate(JSON.parse(document.querySelector('#spec').textContent));
  const listed = await client.jobs.list().toArray();
  const view = await client.jobs.get(id);
  const report = await client.jobs.report(id);
  const seen = [];
  for await (const event of client.jobs.events(id)) {
    seen.push(event.type);
    if (event.type === 'state' && event.state === 'succeeded') break;
  }
  const file = await client.jobs.download(id, { student: 'soft', format: 'onnx' });
  const bytes = await file.bytes();
  const digest = await crypto.subtle.digest('SHA-256', bytes);
  const unknown = await client.jobs.get('job_0').catch((error) => error.code);
  return {
    stages: planned.stages.length,
    listed: listed.map((job) => job.id),
    state: view.state,
    students: report.students.map(({ name }) => name),
    seen,
    file: { name: file.name, bytes: bytes.length, digest: Array.from(new Uint8Array(digest)) },
    unknown,
  };
}

all().then(
  (found) => { window.found = found; },
  (error) => { window.found = { error: String(error && error.stack) }; },
);
`;

interface Found {
  error?: string;
  stages: number;
  listed: string[];
  state: string;
  students: string[];
  seen: string[];
  file: { name: string; bytes: number; digest: number[] };
  unknown: string;
}

describeInBrowser('the client in a browser', () => {
  const browser = testBrowser();
  let service: Service;
  let folder: string;

  beforeAll(async () => {
    service = await startService();
    folder = await mkdtemp(join(tmpdir(), 'distillery-client-page-'));
  }, 120_000);
  afterAll(async () => {
    await service?.close();
    if (folder !== undefined) await rm(folder, { recursive: true });
  });

  test('lists, follows, reads and downloads', { timeout: 180_000 }, async () => {
    await writeFile(join(folder, 'entry.js'), entry);
    const built = await build({
      configFile: false,
      logLevel: 'error',
      root: folder,
      resolve: {
        alias: {
          '@distillery/client': resolve(import.meta.dirname, '../../packages/client/source/index.ts'),
        },
      },
      build: { write: false, lib: { entry: join(folder, 'entry.js'), formats: ['es'], fileName: 'entry' } },
    });
    const [{ output }] = [built].flat() as { output: { code: string }[] }[];
    const { code } = output[0];
    expect(gzipSync(code).length).toBeLessThan(30_000);

    const spec = smallSpec();
    const { job } = await service.complete(spec);
    const html = `<!doctype html><link rel="icon" href="data:,"><script id="spec" type="application/json">${JSON.stringify(spec)}</script><script type="module">${code}</script>`;
    // A page of the service's origin that is not one of its own.
    const shown = await browser.open(`${service.url}/healthz`);
    await shown.route('**/own-page**', (route) => route.fulfill({ contentType: 'text/html', body: html }));
    await shown.goto(`${service.url}/own-page?job=${job.id}`);
    await shown.waitForFunction('window.found !== undefined', undefined, { timeout: 60_000 });
    const found = await shown.evaluate<Found>('window.found');
    expect(found.error).toBeUndefined();
    expect(found).toMatchObject({ listed: [job.id], state: 'succeeded', students: ['control', 'soft'] });
    expect(found.stages).toBe(job.stages.length);
    expect(found.seen).toContain('report');
    expect(found.unknown).toBe('job_not_found');
    const own = await (
      await service.client.jobs.download(job.id, { student: 'soft', format: 'onnx' })
    ).bytes();
    expect(found.file.bytes).toBe(own.length);
    expect(Buffer.from(found.file.digest).toString('hex')).toBe(
      createHash('sha256').update(own).digest('hex'),
    );
    expect(browser.complaints).toEqual([]);
  });
});
