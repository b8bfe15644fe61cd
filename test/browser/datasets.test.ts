import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { privateApi } from '@distillery/api/testing';
import { png, syntheticTexts, zipFile } from '@distillery/datasets/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  describeInBrowser,
  expectAccessible,
  expectFits,
  saveImage,
  testBrowser,
} from './testing/browser.ts';

// Files that people bring, from the file on their machine to what the service has found in it.

describeInBrowser('the pages of data sets', () => {
  const held = privateApi({ fetchNetworks: ['127.0.0.1'] });
  const browser = testBrowser();
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'distillery-data-pages-'));
    const entries: Record<string, Buffer> = {};
    for (let i = 0; i < 30; i++) {
      entries[`train/warm colours/${i}.png`] = await png(255 - 4 * i, 90 + i, 40, 12, 16);
      if (i < 12) entries[`train/cold colours/${i}.png`] = await png(40, 90 + i, 255 - 4 * i, 12, 16);
      if (i < 5) entries[`test/warm colours/${i}.png`] = await png(255 - 4 * i, 90 + i, 40, 12, 16);
      if (i < 5) entries[`test/cold colours/${i}.png`] = await png(40, 70 + i, 250 - 4 * i, 12, 16);
    }
    entries['train/cold colours/broken.png'] = Buffer.from('no image');
    await writeFile(join(folder, 'colours.zip'), zipFile(entries));
    await writeFile(join(folder, 'reviews.csv'), syntheticTexts(300));
    await writeFile(join(folder, 'notes.bin'), Buffer.alloc(2000, 7));
    await writeFile(join(folder, 'one.csv'), 'text,label\na b,x\nc d,x\n');
  });
  afterAll(() => rm(folder, { recursive: true }));

  const add = async (name: string) => {
    const page = await browser.open(`${held.api.url}/datasets`);
    await page.locator('input[type=file]').setInputFiles(join(folder, name));
    return page;
  };

  test('a file is added by choosing it, and its page tells what is in it', { timeout: 60_000 }, async () => {
    const page = await browser.open(`${held.api.url}/datasets`);
    await page.getByText('No data sets yet').waitFor();
    await expectAccessible(page);
    await page.locator('input[type=file]').setInputFiles(join(folder, 'colours.zip'));
    await page.getByRole('heading', { name: 'colours.zip' }).waitFor();
    expect(new URL(page.url()).pathname).toMatch(/^\/datasets\/data_[0-9a-f]{26}$/);
    await page.getByText('Ready', { exact: true }).waitFor({ timeout: 30_000 });
    const id = new URL(page.url()).pathname.split('/')[2];
    await page.getByText(`"dataset": { "source": "uploaded", "id": "${id}" }`).waitFor();
    await page.getByRole('img', { name: 'A sample of warm colours' }).first().waitFor();
    const classes = page.getByRole('region', { name: 'Classes' });
    const row = classes.getByRole('row').filter({ hasText: 'warm colours' });
    expect((await row.innerText()).split(/\s+/)).toEqual(['warm', 'colours', '30', '5']);
    // The rarest class comes first, and then the most frequent one.
    await classes.getByRole('button', { name: 'Training' }).click();
    await classes.getByRole('button', { name: 'Training' }).click();
    expect(await classes.getByRole('rowheader').first().innerText()).toBe('warm colours');
    await page.getByText('5 of 10 test samples equal a training sample').waitFor();
    await page.getByText('1 sample left out').waitFor();
    await page.getByRole('rowheader', { name: 'train/cold colours/broken.png' }).waitFor();
    await expectAccessible(page);
    await saveImage(page, 'dataset');
    const phone = await browser.open(page.url(), { width: 390 });
    await phone.getByRole('region', { name: 'Classes' }).waitFor();
    await expectFits(phone);
  });

  test('texts show what the network reads, and a file that cannot be used says why', {
    timeout: 60_000,
  }, async () => {
    const texts = await add('reviews.csv');
    await texts.getByText('Ready', { exact: true }).waitFor({ timeout: 30_000 });
    await texts.getByText('up to 128 tokens').waitFor();
    const one = await add('one.csv');
    await one.getByText('Refused', { exact: true }).waitFor({ timeout: 30_000 });
    await one.getByRole('alert').getByText('all rows have the label "x"').waitFor();
    const unknown = await add('notes.bin');
    const alert = unknown.getByRole('alert');
    await alert.waitFor();
    expect(await alert.innerText()).toContain('notes.bin');
    const list = await browser.open(`${held.api.url}/datasets`);
    await list.getByRole('row').filter({ hasText: 'one.csv' }).getByText('Refused').waitFor();
    await list.getByRole('row').filter({ hasText: 'reviews.csv' }).getByText('270 for training').waitFor();
    await expectAccessible(list);
    await expectFits(await browser.open(list.url(), { width: 390 }));
  });

  test('a data set is deleted after asking', { timeout: 60_000 }, async () => {
    const page = await browser.open(`${held.api.url}/datasets`);
    await page.getByRole('link', { name: 'one.csv' }).click();
    await page.getByRole('button', { name: 'Delete…' }).click();
    await page.getByRole('button', { name: 'Delete the data set' }).click();
    await page.getByText('one.csv is deleted.').waitFor();
    expect(new URL(page.url()).pathname).toBe('/datasets');
    await expect.poll(() => page.getByRole('row').filter({ hasText: 'one.csv' }).count()).toBe(0);
  });

  test('a file on the web is fetched by its address', { timeout: 60_000 }, async () => {
    const text = syntheticTexts(200);
    const host = createServer((_, response) => response.end(text));
    await new Promise<void>((listening) => host.listen(0, '127.0.0.1', listening));
    const { port } = host.address() as AddressInfo;
    try {
      const page = await browser.open(`${held.api.url}/datasets`);
      const address = page.getByRole('textbox', { name: 'Address of a file on the web' });
      await address.fill('http://10.0.0.1/a.csv');
      await page.getByRole('button', { name: 'Fetch' }).click();
      await page.getByRole('alert').getByText('FETCH_NETWORKS').waitFor();
      await expectAccessible(page);
      await address.fill(`http://127.0.0.1:${port}/from-the-web.csv`);
      await page.getByRole('button', { name: 'Fetch' }).click();
      await page.getByRole('heading', { name: 'from-the-web.csv' }).waitFor();
      await page.getByText('Ready', { exact: true }).waitFor({ timeout: 30_000 });
      await page.getByText(`http://127.0.0.1:${port}/from-the-web.csv`).waitFor();
      await expectAccessible(page);
      await expectFits(await browser.open(`${held.api.url}/datasets`, { width: 390 }));
    } finally {
      host.close();
    }
  });
});
