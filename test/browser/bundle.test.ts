import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Service, startService } from '../testing/service.ts';
import { describeInBrowser, testBrowser } from './testing/browser.ts';
import { smallSpec } from './testing/jobs.ts';

const types: Record<string, string> = { html: 'text/html', json: 'application/json' };

describeInBrowser('the page of a bundle', () => {
  const browser = testBrowser();
  let service: Service;
  let server: Server;
  let id: string;

  beforeAll(async () => {
    service = await startService();
    const { job } = await service.complete(smallSpec());
    ({ id } = job);
    const bundle = await service.client.jobs.bundle(id, { student: 'soft', format: 'tfjs' });
    const files = unzipSync(await bundle.bytes());
    // The server of files that the page asks for.
    server = createServer((request, response) => {
      const name = request.url === '/' ? 'index.html' : (request.url as string).slice(1);
      const file = files[name];
      if (file === undefined) {
        response.writeHead(404).end();
        return;
      }
      response.writeHead(200, {
        'content-type': types[name.split('.').at(-1) as string] ?? 'application/octet-stream',
      });
      response.end(file);
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  }, 120_000);
  afterAll(async () => {
    server?.close();
    await service?.close();
  });

  test("classifies an image as the service does, with the page's own script of TensorFlow.js", async () => {
    const { samples, classes } = await service.client.jobs.samples(id, {
      student: 'soft',
      seed: 1,
      limit: 1,
    });
    const [{ index, student }] = samples;
    const image = join(service.folder, 'sample.png');
    await writeFile(image, await service.client.jobs.sampleImage(id, index));

    const page = await browser.open('about:blank');
    // The browser checks the file against the digest that the page names, so it is what the page would load.
    const script = createRequire(import.meta.url).resolve('@tensorflow/tfjs/dist/tf.min.js');
    await page.route('https://cdn.jsdelivr.net/**', async (route) =>
      route.fulfill({
        body: await readFile(script, 'utf8'),
        contentType: 'text/javascript',
        headers: { 'access-control-allow-origin': '*' },
      }),
    );
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const answer = page.locator('#answer');
    await expect.poll(() => answer.textContent()).toBe('ready');
    await page.setInputFiles('#given_input', image);
    await expect.poll(() => answer.textContent()).toContain('logits');
    const found = JSON.parse((await answer.textContent()) as string) as { class: string; logits: number[] };
    const largest = Math.max(...student.map(Math.abs));
    found.logits.forEach((logit, i) => expect(Math.abs(logit - student[i]) / largest).toBeLessThan(1e-3));
    expect(found.logits).toHaveLength(classes.length);
    expect(found.class).toBe(classes[student.indexOf(Math.max(...student))]);
  }, 60_000);
});
