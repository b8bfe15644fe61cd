import { privateApi } from '@distillery/api/testing';
import type { JobSummary } from '@distillery/spec';
import { expect, test } from 'vitest';
import { describeInBrowser, expectAccessible, testBrowser } from './testing/browser.ts';
import { begin, smallSpec } from './testing/jobs.ts';

// A job while it runs: the stages are taken and told of as a worker would.

describeInBrowser('the page of a running job', () => {
  const held = privateApi();
  const browser = testBrowser();
  const time = '2026-01-01T00:00:00.000Z';

  async function submit(): Promise<string> {
    const response = await held.post(
      '/v1/jobs',
      smallSpec({ name: 'live', validation: 0.2, training: { epochs: 3 } }),
    );
    return ((await response.json()) as JobSummary).id;
  }

  test('shows points, states and log lines as they come', { timeout: 60_000 }, async () => {
    const id = await submit();
    const { attempts } = held.queue;
    const teacher = await begin(held.queue, id, 'teacher');
    const page = await browser.open(`${held.api.url}/jobs/${id}?table=accuracy`);
    await page.getByText('Live').waitFor();
    await page.getByRole('heading', { name: 'live' }).waitFor();
    const epoch = (number: number, accuracy: number) => ({
      epoch: number,
      step: number,
      time,
      values: { epoch_loss: 2, validation_accuracy: accuracy },
    });
    await attempts.metrics(teacher, [epoch(1, 0.25)], 1);
    const table = page.getByRole('region', { name: 'Validation accuracy as a table' });
    await table.getByText('25', { exact: true }).waitFor();
    await attempts.metrics(teacher, [epoch(2, 0.375)], 2);
    await table.getByText('37.50').waitFor();
    expect(await table.getByRole('row').count()).toBe(3);
    await expectAccessible(page);
  });

  test('pauses, and cancels after asking, with the focus on the way back', { timeout: 60_000 }, async () => {
    const id = await submit();
    const page = await browser.open(`${held.api.url}/jobs/${id}`);
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('Paused', { exact: true }).first().waitFor();
    await page.getByRole('button', { name: 'Cancel', exact: true }).click();
    const dialog = page.getByRole('dialog', { name: 'Cancel live?' });
    await dialog.waitFor();
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Keep it running');
    await dialog.getByRole('button', { name: 'Cancel the job' }).click();
    await page.getByText('Cancelled', { exact: true }).first().waitFor();
    await page.getByRole('button', { name: 'Retry' }).waitFor();
    await page.getByRole('button', { name: 'More actions' }).click();
    await page.getByRole('menuitem', { name: 'Delete…' }).click();
    await page.getByRole('button', { name: 'Delete the job' }).click();
    await page.waitForURL(/\/jobs$/);
    expect((await held.request(`/v1/jobs/${id}`)).status).toBe(404);
  });

  test('says what is wrong for a job that is not there', async () => {
    const page = await browser.open(`${held.api.url}/jobs/job_01m8eqk59x18w9338gck2weqt5`);
    await page.getByRole('alert').getByText('Could not load the job').waitFor();
  });
});
