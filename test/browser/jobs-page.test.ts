import type { JobSummary } from '@distillery/spec';
import { privateApi } from '@distillery/api/testing';
import { beforeAll, expect, test } from 'vitest';
import { describeInBrowser, expectAccessible, expectFits, testBrowser } from './testing/browser.ts';
import { begin, smallSpec } from './testing/jobs.ts';

// The list of jobs against a real API; stages are taken and ended as a worker would.

describeInBrowser('the page of jobs', () => {
  const held = privateApi();
  const browser = testBrowser();
  const ids: Record<string, string> = {};

  async function submit(name: string, labels: Record<string, string> = {}): Promise<string> {
    const response = await held.post('/v1/jobs', smallSpec({ name, labels }));
    if (response.status !== 202) throw new Error(await response.text());
    ids[name] = ((await response.json()) as JobSummary).id;
    return ids[name];
  }

  beforeAll(async () => {
    await submit('queued one', { team: 'blue' });
    const failed = await begin(held.queue, await submit('broken one', { team: 'red' }), 'teacher');
    await held.queue.attempts.fail(failed, { code: 'invalid_data', message: 'no file under train/sphynx' });
    await held.queue.control.cancel(await submit('cancelled one', { team: 'red' }));
    await held.queue.control.pause(await submit('paused one'));
    await begin(held.queue, await submit('running one', { gpu: 'true' }), 'teacher');
  });

  test('lists every job with its state, and why one failed', async () => {
    const page = await browser.open(`${held.api.url}/`);
    const rows = page.getByRole('row');
    await rows.filter({ hasText: 'running one' }).getByText('Running', { exact: true }).waitFor();
    expect(await rows.count()).toBe(6);
    expect(new URL(page.url()).pathname).toBe('/jobs');
    const text = await page.getByRole('row').filter({ hasText: 'broken one' }).innerText();
    expect(text).toContain('Failed');
    expect(text).toContain('no file under train/sphynx');
    expect(await page.title()).toBe('Jobs · Distillery');
  });

  test('the search, a state and a label are in the address, and Back undoes them', async () => {
    const page = await browser.open(`${held.api.url}/jobs`);
    await page.getByRole('searchbox').fill('one');
    await page.getByRole('button', { name: /^Failed/ }).click();
    await page.getByRole('link', { name: 'broken one' }).waitFor();
    await expect.poll(() => page.getByRole('row').count()).toBe(2);
    expect(new URL(page.url()).search).toBe('?q=one&state=failed');
    await page.goBack();
    await expect.poll(() => page.getByRole('row').count()).toBe(6);
    await page.getByRole('button', { name: 'team=blue' }).click();
    await expect.poll(() => page.getByRole('row').count()).toBe(2);
    expect(new URL(page.url()).search).toBe('?q=one&label=team=blue');
    await page.getByRole('searchbox').fill('nothing like this');
    await page.getByRole('heading', { name: 'Nothing matches' }).waitFor();
    await page.getByRole('button', { name: 'Clear filters' }).click();
    await expect.poll(() => page.getByRole('row').count()).toBe(6);
  });

  test('finds a job by its id', async () => {
    const page = await browser.open(`${held.api.url}/jobs?q=${ids['paused one']}`);
    await page.getByRole('link', { name: 'paused one' }).waitFor();
    expect(await page.getByRole('row').count()).toBe(2);
  });

  test('sorts, by the keyboard alone', async () => {
    const page = await browser.open(`${held.api.url}/jobs`);
    await page.getByRole('button', { name: 'Job', exact: true }).press('Enter');
    await expect.poll(() => page.getByRole('row').nth(1).innerText()).toContain('broken one');
    expect(new URL(page.url()).search).toBe('?sort=name');
    expect(await page.getByRole('columnheader', { name: 'Job' }).getAttribute('aria-sort')).toBe('ascending');
  });

  test('shows what happens elsewhere without being loaded again', async () => {
    const page = await browser.open(`${held.api.url}/jobs`);
    await page.getByText('Live').waitFor();
    const id = await submit('newcomer');
    await page.getByRole('link', { name: 'newcomer' }).waitFor();
    const row = page.getByRole('row').filter({ hasText: 'newcomer' });
    expect(await row.innerText()).toContain('Queued');
    await held.queue.control.cancel(id);
    await row.getByText('Cancelled', { exact: true }).waitFor();
    await held.request(`/v1/jobs/${id}`, { method: 'DELETE' });
  });

  test('keys move, select and delete, and a dialog asks first with the focus on the way back', async () => {
    const first = await submit('to delete 1');
    const second = await submit('to delete 2');
    await held.queue.control.cancel(first);
    await held.queue.control.cancel(second);
    const page = await browser.open(`${held.api.url}/jobs?q=to%20delete`);
    await expect.poll(() => page.getByRole('row').filter({ hasText: 'Cancelled' }).count()).toBe(2);
    await page.keyboard.press('j');
    await page.keyboard.press('x');
    await page.keyboard.press('j');
    await page.keyboard.press('x');
    await page.getByText('2 jobs selected').waitFor();
    await page.getByRole('button', { name: 'Delete…' }).focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Delete 2 jobs?' });
    await dialog.waitFor();
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Keep');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    expect((await held.request(`/v1/jobs/${first}`)).status, 'Escape keeps').toBe(200);
    await page.getByRole('button', { name: 'Delete…' }).press('Enter');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByText('Deleted 2 jobs.').waitFor();
    await page.getByRole('heading', { name: 'Nothing matches' }).waitFor();
    expect((await held.request(`/v1/jobs/${first}`)).status).toBe(404);
  });

  test('cancels several jobs at once, and leaves those that have ended', async () => {
    const id = await submit('to cancel');
    const page = await browser.open(`${held.api.url}/jobs`);
    await page.getByRole('checkbox', { name: 'Select to cancel' }).check();
    await page.getByRole('checkbox', { name: 'Select broken one' }).check();
    await page.getByRole('button', { name: 'Cancel…' }).click();
    await page.getByRole('button', { name: 'Cancel 1 job' }).click();
    await page
      .getByRole('row')
      .filter({ hasText: 'to cancel' })
      .getByText('Cancelled', { exact: true })
      .waitFor();
    await held.request(`/v1/jobs/${id}`, { method: 'DELETE' });
  });

  test('? lists the keys, t changes the theme and the choice lasts', async () => {
    const page = await browser.open(`${held.api.url}/jobs`);
    await page.getByRole('row').nth(1).waitFor();
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).getByText('Next row').waitFor();
    await page.keyboard.press('Escape');
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await background();
    await page.keyboard.press('t');
    await page.keyboard.press('t');
    const dark = await background();
    expect(dark).not.toBe(light);
    await page.reload();
    await page.getByRole('row').nth(1).waitFor();
    expect(await background()).toBe(dark);
  });

  test.each([1280, 375])('is accessible %i pixels wide', async (width) => {
    const page = await browser.open(`${held.api.url}/jobs`, { width });
    await page.getByRole('link', { name: 'running one' }).waitFor();
    await page.getByRole('checkbox', { name: 'Select broken one' }).check();
    await expectFits(page);
    await expectAccessible(page);
  });

  test('every job can be reached on a phone', async () => {
    const page = await browser.open(`${held.api.url}/jobs?q=one`, { width: 375 });
    await page.getByRole('link', { name: 'running one' }).waitFor();
    expect(await page.getByRole('listitem').count()).toBe(5);
    await page.getByRole('button', { name: 'Menu', exact: true }).click();
    await page.getByRole('menuitem', { name: 'Workers' }).click();
    await page.getByRole('heading', { name: 'Workers', exact: true }).waitFor();
  });

  test('complains of nothing on the console', () => {
    expect(browser.complaints).toEqual([]);
  });
});
