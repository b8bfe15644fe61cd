import { privateApi } from '@distillery/api/testing';
import { expect, test } from 'vitest';
import { describeInBrowser, expectAccessible, testBrowser } from './testing/browser.ts';
import { begin, smallSpec } from './testing/jobs.ts';

describeInBrowser('a page whose API restarts', () => {
  const held = privateApi();
  const browser = testBrowser();

  test('keeps what it shows, says since when, and catches up with what it missed', {
    timeout: 60_000,
  }, async () => {
    const own = await held.start();
    const port = Number(new URL(own.url).port);
    const { id } = (await (await held.post('/v1/jobs', smallSpec({ name: 'goes on' }))).json()) as {
      id: string;
    };
    const page = await browser.open(`${own.url}/jobs`);
    await page.getByText('Live', { exact: true }).waitFor();
    const row = page.getByRole('row').filter({ hasText: 'goes on' });
    await row.getByText('Queued', { exact: true }).waitFor();

    await own.close();
    await page.getByText('Reconnecting', { exact: true }).waitFor();
    await page.getByText(/Connection lost\. What you see is from \d\d:\d\d:\d\d/).waitFor();
    expect(await row.innerText(), 'stays readable').toContain('Queued');
    await expectAccessible(page);

    // Meanwhile, a worker takes the job.
    await begin(held.queue, id, 'teacher');
    const again = await held.start({ port });
    try {
      await page.getByText('Live', { exact: true }).waitFor();
      await row.getByText('Running', { exact: true }).waitFor();
      await page.getByText('Connection lost').waitFor({ state: 'detached' });
    } finally {
      await page.close();
      await again.close();
    }
  });
});
