import type { JobSpecInput } from '@distillery/spec';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Service, startService } from '../testing/service.ts';
import { describeInBrowser, expectAccessible, testBrowser } from './testing/browser.ts';

// Students that teach each other share a stage; two architectures have two controls.

const peer = (name: string, hidden: number) => ({
  name,
  architecture: { type: 'mlp', hidden: [hidden] },
  method: [{ type: 'soft_target', temperature: 1, weight: 1 }, { type: 'cross_entropy' }],
});
const spec: JobSpecInput = {
  name: 'peers',
  dataset: { source: 'shapes', trainCount: 200, testCount: 100 },
  procedure: 'mutual',
  students: [peer('narrow', 16), peer('broad', 48)],
  seeds: [1, 2],
  training: { epochs: 2, batchSize: 40 },
  validation: 0.2,
};

describeInBrowser('the page of students that teach each other', () => {
  const browser = testBrowser();
  let service: Service;
  let id: string;

  beforeAll(async () => {
    service = await startService();
    id = (await service.complete(spec)).job.id;
  }, 240_000);
  afterAll(() => service?.close());

  test('has a row for each, with its gain over its own control, and its curves', {
    timeout: 60_000,
  }, async () => {
    const page = await browser.open(`${service.url}/jobs/${id}`);
    const { students } = await service.client.jobs.report(id);
    const runs = page.getByRole('region', { name: 'Runs' });
    for (const name of ['narrow', 'broad']) {
      const report = students.find((student) => student.name === name);
      expect(report?.control).toMatch(/^control-mlp/);
      const mean = ((report?.testAccuracy.best.mean ?? 0) * 100).toFixed(2);
      const row = runs.getByRole('row').filter({ hasText: name });
      await row.getByText(mean).first().waitFor();
      // The gain, and at how many seeds it is above zero.
      expect((await row.innerText()).replaceAll(/\s+/g, ' ')).toMatch(/ [+−]?\d+\.\d\d [012]\/2( |$)/);
    }
    // Charts are drawn once they are near the screen.
    await page.getByRole('heading', { name: 'Losses' }).scrollIntoViewIfNeeded();
    await page.getByRole('combobox', { name: 'Run', exact: true }).selectOption({ label: 'broad, seed 2' });
    expect(new URL(page.url()).searchParams.get('run')).toBe('mutual.2/broad');
    await expectAccessible(page);
    if (process.env.LOOK) await page.screenshot({ path: process.env.LOOK, fullPage: true });
  });
});
