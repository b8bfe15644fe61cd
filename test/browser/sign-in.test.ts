import { privateApi } from '@distillery/api/testing';
import { engine } from '@distillery/queue/testing';
import type { CreatedApiKey } from '@distillery/spec';
import { beforeAll, expect, test } from 'vitest';
import { describeInBrowser, expectAccessible, expectFits, testBrowser } from './testing/browser.ts';
import { begin, smallSpec } from './testing/jobs.ts';

describeInBrowser('a service that requires keys', () => {
  const held = privateApi({ apiKeys: 'required', apiRate: 100_000 });
  const browser = testBrowser();
  let admin: CreatedApiKey;
  let reader: CreatedApiKey;

  beforeAll(async () => {
    const limits = { jobs: null, rate: null };
    admin = await held.queue.apiKeys.create({ name: 'ada', scope: 'admin', ...limits });
    reader = await held.queue.apiKeys.create({ name: 'rita', scope: 'read', ...limits });
    const headers = { authorization: `Bearer ${admin.token}` };
    const response = await held.post('/v1/jobs', smallSpec({ name: 'held' }), headers);
    const { id } = (await response.json()) as { id: string };
    await begin(held.queue, id, 'teacher');
    await held.queue.workers.register({ id: 'node-a/1', host: 'node-a', version: '1', engine, trainers: 2 });
  });

  async function signedIn(path: string, token: string, width?: number) {
    const page = await browser.open(held.api.url + path, { ...(width && { width }) });
    await page.getByLabel('API key').fill(token);
    await page.keyboard.press('Enter');
    return page;
  }

  test('asks for a key, refuses a wrong one, and shows the page of the address', async () => {
    const page = await browser.open(`${held.api.url}/workers`);
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await expectAccessible(page);
    await page.getByLabel('API key').fill('dk_wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('This key is not valid, or it was revoked.').waitFor();
    await page.getByLabel('API key').fill(admin.token);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('rowheader', { name: 'node-a' }).waitFor();
    expect(await page.evaluate(() => [document.cookie, localStorage.length])).toEqual(['', 0]);
    await expectAccessible(page);
    await page.getByText('Live', { exact: true }).waitFor();

    await page.getByRole('button', { name: 'ada' }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await page.reload();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  });

  test('offers nothing that the scope of the key forbids', async () => {
    const page = await signedIn('/jobs', reader.token);
    await page.getByRole('checkbox', { name: 'Select held' }).check();
    await page.getByText('1 job selected').waitFor();
    expect(await page.getByRole('button', { name: 'Cancel…' }).count()).toBe(0);
    expect(await page.getByRole('link', { name: 'New job' }).count()).toBe(0);
    expect(await page.getByRole('link', { name: 'Keys' }).count()).toBe(0);
  });

  test('an administrator makes a key, sees its secret once, and revokes it', async () => {
    const page = await signedIn('/keys', admin.token);
    await page.getByRole('button', { name: 'New key' }).click();
    await page.getByLabel('Owner').fill('not good!');
    await page.getByRole('button', { name: 'Make the key' }).click();
    await page.getByText(/must be 1-63 letters/).waitFor();
    await page.getByLabel('Owner').fill('nightly');
    await page.getByRole('button', { name: 'Make the key' }).click();
    const token = await page.locator('.token').innerText();
    expect((await held.queue.apiKeys.verify(token))?.name).toBe('nightly');
    await page.getByRole('button', { name: 'Done' }).click();
    const row = page.getByRole('row').filter({ hasText: 'nightly' });
    await row.waitFor();
    expect(await page.content()).not.toContain(token);
    await expectAccessible(page);
    await row.getByRole('button', { name: /^Revoke/ }).click();
    await page.getByRole('button', { name: 'Revoke the key', exact: true }).click();
    await row.getByText(/revoked/).waitFor();
    expect(await held.queue.apiKeys.verify(token)).toBeUndefined();
  });

  test('a session whose key is revoked ends, and the page asks again', async () => {
    const other = await held.queue.apiKeys.create({ name: 'otto', scope: 'read', jobs: null, rate: null });
    const page = await signedIn('/jobs', other.token);
    await page.getByRole('link', { name: 'held' }).waitFor();
    await held.queue.apiKeys.revoke(other.id);
    await page.getByRole('link', { name: 'Workers' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  });

  test('the page that asks for a key fits a phone', async () => {
    const page = await browser.open(`${held.api.url}/jobs`, { width: 375 });
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await expectFits(page);
    await expectAccessible(page);
  });

  test.each(['/workers', '/keys'])('%s fits a phone', async (path) => {
    const page = await signedIn(path, admin.token, 375);
    await page.getByRole('row').nth(1).waitFor();
    await expectFits(page);
    await expectAccessible(page);
  });

  test('complains of nothing on the console', () => {
    expect(browser.complaints).toEqual([]);
  });
});
