import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import { privateApi, submitted } from './testing/api.ts';

const held = privateApi();
let page: string;
beforeAll(async () => {
  page = await (await held.request('/docs')).text();
});

const unescaped = (text: string) =>
  text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&');
const examples = () => [...page.matchAll(/<pre>([^]*?)<\/pre>/g)].map(([, text]) => unescaped(text));

test('describes every operation, without scripts and other files', async () => {
  const { paths } = (await (await held.request('/openapi.json')).json()) as {
    paths: Record<string, Record<string, object>>;
  };
  for (const [path, item] of Object.entries(paths)) {
    for (const method of Object.keys(item).filter((one) => one !== 'head'))
      expect(page).toContain(`<code>${method.toUpperCase()} ${path}</code>`);
  }
  expect(page).not.toMatch(/<script|<link|<img|src=/);
});

test('the requests work in a shell', { timeout: 60_000 }, async () => {
  const { id } = await submitted(held);
  // A stream of all events does not end; what runs in the background or ends the job is another test's business.
  const tried = examples().filter(
    (text) =>
      !/v1\/events"|-X DELETE|\/store\/scrub|\/v1\/session|\/v1\/keys|\/v1\/projects|\/store\/hold|POST "[^"]*\/v1\/(webhooks|networks|datasets)"|(POST|PATCH|PUT|OPTIONS) "[^"]*\/v1\/uploads/.test(
        text,
      ),
  );
  expect(tried.length).toBeGreaterThan(20);
  const env = {
    PATH: process.env.PATH,
    ID: id,
    NAME: 'soft',
    STUDENT: 'soft',
    INDEX: '0',
    UPLOAD: 'upl_none',
    DATASET: 'data_none',
    WEBHOOK: 'wh_none',
    SWEEP: 'sweep_none',
    DELIVERY: '1-1',
    TOKEN: 'none',
    no_proxy: '*',
  };
  for (const text of tried) {
    const command = text.replace(/^curl/, 'curl -sS -m 2 -o /dev/null -w "%{http_code}"');
    const { stdout } = await promisify(execFile)('bash', ['-c', `${command} || true`], { env });
    // The job is not trained: some of what it will have is not there yet.
    expect([text.split('\n')[0], stdout]).toEqual([
      text.split('\n')[0],
      expect.stringMatching(/^(200|202|404|409)$/),
    ]);
  }
});
