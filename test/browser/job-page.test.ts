import { readFile } from 'node:fs/promises';
import type { JobSpecInput } from '@distillery/spec';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Service, startService } from '../testing/service.ts';
import {
  describeInBrowser,
  expectAccessible,
  expectFits,
  saveImage,
  testBrowser,
} from './testing/browser.ts';

// Two jobs that a real worker trains: their pages, and the page that compares them.

const spec = (temperature: number): JobSpecInput => ({
  name: `shapes at ${temperature}`,
  dataset: { source: 'shapes', trainCount: 200, testCount: 100 },
  teacher: { architecture: { type: 'mlp', hidden: [64] }, training: { epochs: 2 } },
  students: ['soft', 'hot'].map((name, index) => ({
    name,
    architecture: { type: 'mlp', hidden: [32] },
    method: [{ type: 'soft_target', temperature: temperature + index * 8 }, { type: 'cross_entropy' }],
  })),
  seeds: [1, 2],
  training: { epochs: 3, batchSize: 40 },
  validation: 0.2,
});

const tabs = ['', '/results', '/dark-knowledge', '/stages', '/files', '/logs', '/spec'];

/** Waits until a page has loaded everything, and has drawn all of its charts, which are drawn near the screen only. */
async function settled(page: Page): Promise<void> {
  // The stream of events stays open, so that the network is never idle.
  await page.locator('main h1').first().waitFor();
  await expect.poll(() => page.locator('.loading').count()).toBe(0);
  await page.evaluate(async () => {
    for (let y = 0; y < document.body.scrollHeight; y += 600) {
      scrollTo(0, y);
      await new Promise(requestAnimationFrame);
    }
    scrollTo(0, 0);
  });
  await expect.poll(() => page.locator('.loading').count()).toBe(0);
}

describeInBrowser('the pages of finished jobs', () => {
  const browser = testBrowser();
  let service: Service;
  const ids: string[] = [];

  beforeAll(async () => {
    service = await startService();
    for (const temperature of [4, 2]) ids.push((await service.complete(spec(temperature))).job.id);
  }, 240_000);
  afterAll(() => service?.close());

  const open = async (path: string, options = {}) => {
    const page = await browser.open(service.url + path, options);
    await settled(page);
    return page;
  };

  test('the results open with a sentence, and the table sorts, chooses columns and hides runs by the address', {
    timeout: 60_000,
  }, async () => {
    const page = await open(`/jobs/${ids[0]}/results`);
    const { students } = await service.client.jobs.report(ids[0]);
    const answer = await page.locator('.answer').innerText();
    expect(answer).toMatch(/reaches \d+\.\d\d %/);
    const soft = students.find(({ name }) => name === 'soft');
    const row = page.getByRole('row').filter({ hasText: 'soft_target T 4' });
    expect(await row.innerText()).toContain(((soft?.testAccuracy.best.mean ?? 0) * 100).toFixed(2));
    await page.getByRole('button', { name: 'Accuracy, %' }).click();
    expect(new URL(page.url()).search).toBe('?sort=-accuracy');
    await page.getByRole('button', { name: 'Columns' }).click();
    await page.getByRole('menuitemcheckbox', { name: 'Latency' }).click();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Latency, ms' }).waitFor();
    await page.goBack();
    await page.getByRole('button', { name: 'Latency, ms' }).waitFor({ state: 'detached' });
    await page.goto(`${service.url}/jobs/${ids[0]}/results?hide=soft`);
    await page.getByText('One run is hidden.').waitFor();
    expect(await page.getByRole('row').filter({ hasText: 'soft_target T 4' }).count()).toBe(0);
    await page.getByRole('button', { name: 'Show all' }).click();
    await row.waitFor();
  });

  test('results are saved as CSV with all digits and as Markdown, charts as SVG and PNG', {
    timeout: 60_000,
  }, async () => {
    const page = await open(`/jobs/${ids[0]}/results`);
    const save = async (menu: string, item: string) => {
      await page.getByRole('button', { name: menu, exact: true }).click();
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('menuitem', { name: item }).click(),
      ]);
      return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) };
    };
    const csv = await save('Export', 'Save as CSV');
    const { students } = await service.client.jobs.report(ids[0]);
    const hot = students.find(({ name }) => name === 'hot');
    expect(csv.name).toBe('shapes-at-4-results.csv');
    expect(csv.bytes.toString()).toContain(`,${hot?.testAccuracy.best.mean},`);
    expect((await save('Export', 'Save as Markdown')).bytes.toString()).toMatch(
      /\| hot \| soft_target T 12 \+ cross_entropy \|/,
    );
    const menu = 'More of Accuracy against size';
    const svg = (await save(menu, 'Save as SVG')).bytes.toString();
    expect(svg).toMatch(/^<svg[^>]* xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
    expect(svg).not.toMatch(/var\(--|class=/);
    const png = await save(menu, 'Save as PNG');
    expect(png.bytes.subarray(1, 4).toString()).toBe('PNG');
    expect(png.bytes.length).toBeGreaterThan(3000);
  });

  test('curves are read by arrow keys, a click pins a run in the address, Escape lets go', {
    timeout: 60_000,
  }, async () => {
    const page = await open(`/jobs/${ids[0]}`);
    const chart = page.getByRole('application', { name: /^Validation accuracy/ });
    await chart.focus();
    await page.keyboard.press('End');
    await expect.poll(() => chart.locator('[aria-live]').innerText()).toMatch(/, epoch 3: \d+\.\d\d$/);
    await page.keyboard.press('ArrowLeft');
    await expect.poll(() => chart.locator('[aria-live]').innerText()).toMatch(/, epoch 2: /);
    expect(await page.locator('.readout tr').count()).toBe(4);
    await page.getByRole('button', { name: 'soft', exact: true }).press('Enter');
    expect(new URL(page.url()).search).toBe('?student=soft');
    await expect.poll(() => page.locator('.chart g.dim').count()).toBeGreaterThan(0);
    await page.keyboard.press('Escape');
    await expect.poll(() => new URL(page.url()).search).toBe('');
    await page.getByRole('button', { name: 'More of Validation accuracy' }).click();
    await page.getByRole('menuitem', { name: 'Show as table' }).click();
    const table = page.getByRole('region', { name: 'Validation accuracy as a table' });
    expect(await table.getByRole('row').count()).toBe(4);
    expect(new URL(page.url()).search).toBe('?table=accuracy');
  });

  test('[ and ] go through the tabs', async () => {
    const page = await open(`/jobs/${ids[0]}/stages`);
    await page.keyboard.press(']');
    await page.waitForURL(/\/files$/);
    await page
      .getByRole('link', { name: /^Download/ })
      .first()
      .waitFor();
    await page.keyboard.press('[');
    await page.waitForURL(/\/stages$/);
  });

  test('weights are downloaded, with their job, network, seed and epoch as the name', {
    timeout: 60_000,
  }, async () => {
    const page = await open(`/jobs/${ids[0]}/files`);
    expect(await page.getByLabel('Format').inputValue()).toBe('safetensors');
    const link = page.getByRole('link', { name: 'Download hot, seed 2' });
    const [download] = await Promise.all([page.waitForEvent('download'), link.click()]);
    expect(download.suggestedFilename()).toBe('shapes-at-4-hot-seed2-best.safetensors');
    // Another format has options of its own, which go into the address of the page and of the files.
    await page.getByLabel('Format').selectOption('onnx');
    await page.getByLabel('precision').selectOption('int8');
    expect(new URL(page.url()).search).toBe('?format=onnx&precision=int8');
    const [model] = await Promise.all([page.waitForEvent('download'), link.click()]);
    expect(model.suggestedFilename()).toBe('shapes-at-4-hot-seed2-best.onnx');
    const [float, int8] = await Promise.all(
      ['float32', 'int8'].map(async (precision) => {
        const options = { precision };
        const file = { student: 'hot', seed: 2, format: 'onnx', options };
        return (await (await service.client.jobs.download(ids[0], file)).bytes()).length;
      }),
    );
    expect((await readFile(await model.path())).length).toBe(int8);
    expect(int8).toBeLessThan(float / 3);
  });

  test('jobs are compared: the set changes in place, a job hides everywhere, and specs differ in one field', {
    timeout: 60_000,
  }, async () => {
    const page = await open(`/compare?jobs=${ids.join(',')}`);
    const fields = page.getByRole('region', { name: 'Fields of the specs' });
    expect(await fields.getByRole('row').allInnerTexts()).toEqual([
      expect.stringContaining('shapes at 4'),
      expect.stringMatching(/soft · method · soft_target · temperature\s+4\s+2/),
      expect.stringMatching(/hot · method · soft_target · temperature\s+12\s+10/),
    ]);
    const results = page.getByRole('region', { name: 'Results' });
    expect(await results.getByRole('row').filter({ hasText: 'teacher' }).innerText()).toContain('same run');
    await page.getByRole('button', { name: 'Columns: measures' }).click();
    await results.getByRole('columnheader', { name: 'Over control, points' }).waitFor();
    await page.getByRole('button', { name: 'Hide shapes at 2 everywhere' }).click();
    await page.getByText('One job is hidden.').waitFor();
    expect(new URL(page.url()).searchParams.get('hide')).toBe(ids[1]);
    await page.getByRole('button', { name: 'Take shapes at 2 out' }).click();
    await expect
      .poll(() => Object.fromEntries(new URL(page.url()).searchParams))
      .toEqual({ jobs: ids[0], by: 'measures' });
    await page.getByLabel('Add a job').selectOption(ids[1]);
    await expect.poll(() => new URL(page.url()).searchParams.get('jobs')).toBe(ids.join(','));
  });

  test('axe finds nothing on any tab', { timeout: 120_000 }, async () => {
    for (const path of [...tabs.map((tab) => `/jobs/${ids[0]}${tab}`), `/compare?jobs=${ids.join(',')}`]) {
      const page = await open(path);
      await expectAccessible(page);
      await page.context().close();
    }
  });

  test('every tab fits a phone', { timeout: 120_000 }, async () => {
    for (const path of [...tabs.map((tab) => `/jobs/${ids[0]}${tab}`), `/compare?jobs=${ids.join(',')}`]) {
      const page = await open(path, { width: 375 });
      await expectFits(page);
      await page.context().close();
    }
  });

  test('pictures of the pages', { timeout: 600_000 }, async () => {
    // What the pictures show is worth looking at: students that gain something, which takes a minute or two.
    const shown = process.env.SCREENSHOTS
      ? [await trained('soft targets', 2), await trained('warmer', 6)]
      : ids;
    const shots = {
      'job-overview': '',
      'job-results': '/results',
      'job-dark-knowledge': '/dark-knowledge',
    };
    for (const [name, tab] of Object.entries(shots)) {
      const page = await open(`/jobs/${shown[0]}${tab}`);
      await saveImage(page, name);
      await page.context().close();
    }
    await saveImage(await open(`/compare?jobs=${shown.join(',')}`), 'compare');
    expect(browser.complaints).toEqual([]);
  });

  async function trained(name: string, temperature: number): Promise<string> {
    const example = JSON.parse(await readFile('examples/first-steps.json', 'utf8')) as JobSpecInput;
    const [soft] = example.students;
    const hint: JobSpecInput['students'][number] = {
      name: 'hint',
      architecture: { type: 'lightnn' },
      method: [
        { type: 'soft_target', temperature },
        { type: 'hint', weight: 0.25 },
      ],
    };
    const students = [{ ...soft, method: [{ type: 'soft_target', temperature, weight: 1 }] }, hint];
    const { job } = await service.complete({ ...example, name, students, validation: 0.2 });
    return job.id;
  }
});
