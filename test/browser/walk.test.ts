import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Report } from '@distillery/spec';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Service, startService } from '../testing/service.ts';
import { describeInBrowser, expectAccessible, testBrowser } from './testing/browser.ts';
import { smallSpec } from './testing/jobs.ts';

// A newcomer opens the dashboard, builds a job, starts it, watches it, compares it with another one, takes the weights.

describeInBrowser('a newcomer', () => {
  let service: Service;
  const browser = testBrowser();
  beforeAll(async () => {
    service = await startService();
  }, 120_000);
  afterAll(() => service?.close());

  test('builds a job in the form, watches it live, compares it and downloads the weights', {
    timeout: 240_000,
  }, async () => {
    const began = Date.now();
    const times: string[] = [];
    const step = (what: string) => times.push(`${((Date.now() - began) / 1000).toFixed(1)} s ${what}`);

    const page = await browser.open(`${service.url}/`);
    await page.getByRole('heading', { name: 'No jobs yet' }).waitFor();
    step('the empty list');
    await page.getByRole('link', { name: 'Start from an example' }).click();
    await expect.poll(() => page.getByLabel('Name').first().inputValue()).toBe('first steps');
    await page.getByLabel('Name').first().fill('my first job');
    await page.locator('#dataset').getByLabel('Train count').fill('300');
    await page.locator('#dataset').getByLabel('Test count').fill('200');
    await page.locator('#teacher').getByLabel('Architecture').selectOption('lightnn');
    await page.locator('#teacher').getByLabel('Train count').fill('300');
    await page.locator('#teacher').getByLabel('Test count').fill('200');
    await page.locator('#teacher').getByLabel('Epochs').fill('2');
    await page.locator('#training').getByLabel('Epochs').first().fill('2');
    await page.getByLabel('Seeds').fill('1, 2');
    await page.getByRole('alert').waitFor({ state: 'detached' });
    await page.getByText('Taps of soft').waitFor();
    step('the job is built');
    await page.getByRole('button', { name: /^Start the job/ }).click();
    await page.waitForURL(/\/jobs\/job_/);
    const id = new URL(page.url()).pathname.split('/')[2];
    // Its stages have states of their own, some of which succeed sooner.
    const state = page.locator('.job-name');
    await state.getByText('Running', { exact: true }).waitFor({ timeout: 60_000 });
    step('it runs');
    await state.getByText('Succeeded', { exact: true }).waitFor({ timeout: 120_000 });
    step('it has succeeded, without the page being loaded again');

    // Another job, from the shell, to compare with.
    const other = await service.complete(smallSpec({ name: 'my second job', seeds: [1, 2] }));
    await page.getByRole('link', { name: 'Jobs', exact: true }).first().click();
    const report = (await (await fetch(`${service.url}/v1/jobs/${id}/report`)).json()) as Report;
    const row = page.getByRole('row').filter({ hasText: 'my first job' });
    await row.getByText('Succeeded', { exact: true }).waitFor();
    const [control, student] = ['control', 'soft'].map((name) =>
      report.students.find((one) => one.name === name),
    );
    if (control === undefined || student === undefined) throw new Error('the report lacks a student');
    expect(await row.innerText()).toContain((student.testAccuracy.best.mean * 100).toFixed(2));
    await page.getByRole('checkbox', { name: 'Select my first job' }).check();
    await page.getByRole('checkbox', { name: 'Select my second job' }).check();
    await page.getByRole('link', { name: 'Compare', exact: true }).last().click();
    await page.waitForURL(/\/compare\?jobs=/);
    expect(decodeURIComponent(page.url())).toContain(id);
    expect(page.url()).toContain(other.job.id);
    await page.getByText('my second job').first().waitFor();
    step('both jobs are compared');

    await page.goto(`${service.url}/jobs/${id}/files`);
    const link = page
      .getByRole('link', { name: /download/i })
      .or(page.locator('a[download][href*="/weights"]'))
      .first();
    const [download] = await Promise.all([page.waitForEvent('download'), link.click()]);
    const bytes = await readFile(await download.path());
    const digest = createHash('sha256').update(bytes).digest('hex');
    const scores = [...report.teachers, ...report.students.flatMap(({ runs }) => runs)].flatMap(
      ({ best, last }) => [best.weights.digest, last.weights.digest],
    );
    expect(scores).toContain(digest);
    step('the weights are downloaded');
    if (process.env.SCREENSHOTS) console.log(times.join('\n'));
  });

  test('sees the worker and what it has', async () => {
    const page = await browser.open(`${service.url}/workers`);
    await page.getByRole('row').nth(1).waitFor();
    expect(await page.getByRole('row').count()).toBe(2);
    await expectAccessible(page);
  });
});
