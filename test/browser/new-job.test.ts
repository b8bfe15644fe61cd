import { privateApi } from '@distillery/api/testing';
import type { JobSpecInput, JobSummary } from '@distillery/spec';
import { expect, test } from 'vitest';
import {
  describeInBrowser,
  expectAccessible,
  expectFits,
  saveImage,
  testBrowser,
} from './testing/browser.ts';

describeInBrowser('the page of a new job', () => {
  const held = privateApi();
  const browser = testBrowser();
  const newest = async () => {
    const { jobs } = (await (await held.request('/v1/jobs?limit=1')).json()) as { jobs: JobSummary[] };
    const spec = await held.request(`/v1/jobs/${jobs[0].id}/spec`);
    return (await spec.json()) as JobSpecInput;
  };

  test('shows errors at their fields, in words, and the plan once they are right', {
    timeout: 60_000,
  }, async () => {
    const page = await browser.open(`${held.api.url}/new`);
    await page.getByText('267,738').first().waitFor();
    const term = page.getByRole('group', { name: 'soft_target' });
    await term.getByLabel('Temperature').fill('0');
    await term.getByText('Must be at least 0.001. Default 4.').waitFor();
    await page.getByText('1 field needs a change.').waitFor();
    await page.getByText('Before your last change').waitFor();
    expect(await term.getByLabel('Temperature').getAttribute('aria-invalid')).toBe('true');
    await expectAccessible(page);
    await page.getByRole('button', { name: 'students › soft › soft_target › temperature' }).click();
    await expect
      .poll(() =>
        page.evaluate(() => document.activeElement?.closest('[data-pointer]')?.getAttribute('data-pointer')),
      )
      .toBe('/students/0/method/0/temperature');
    await page.keyboard.press('Control+A');
    await page.keyboard.type('2');
    await page.getByText('Before your last change').waitFor({ state: 'detached' });
    await page.getByRole('alert').waitFor({ state: 'detached' });
    await page.evaluate(() => scrollTo(0, 0));
    await saveImage(page, 'new-job');
  });

  test('starts what was filled in', { timeout: 60_000 }, async () => {
    const page = await browser.open(`${held.api.url}/new`);
    await page.getByLabel('Name').first().fill('by hand');
    await page.getByLabel('Labels').fill('team=blue, urgent');
    await page.getByLabel('Train count').fill('200');
    await page.locator('#teacher').getByLabel('Architecture').selectOption('lightnn');
    await page.getByRole('button', { name: 'Duplicate' }).click();
    await page.getByLabel('Add a term').selectOption('attention');
    await page.getByLabel('Seeds').fill('1, 2');
    await page.locator('#training').getByLabel('Optimizer').selectOption('sgd');
    await page.locator('#training').getByLabel('Learning rate').fill('0.05');
    await page.locator('#training > .body > details > summary').click();
    await page.locator('#training summary').getByText('Augmentation', { exact: true }).click();
    const adding = page.locator('#training').getByLabel('Add to the transforms');
    await adding.selectOption('rand_augment');
    await adding.selectOption('flip');
    const transform = page.getByRole('group', { name: 'rand_augment' });
    await transform.getByLabel('Magnitude').fill('12');
    await page.getByRole('button', { name: /^Start the job/ }).click();
    await page.waitForURL(/\/jobs/);
    expect(await newest()).toEqual({
      name: 'by hand',
      labels: { team: 'blue', urgent: '' },
      dataset: { source: 'shapes', trainCount: 200 },
      teacher: { architecture: { type: 'lightnn' } },
      students: [
        {
          name: 'soft',
          architecture: { type: 'lightnn' },
          method: [{ type: 'soft_target' }, { type: 'cross_entropy' }],
        },
        {
          name: 'soft-2',
          architecture: { type: 'lightnn' },
          method: [{ type: 'soft_target' }, { type: 'cross_entropy' }, { type: 'attention' }],
        },
      ],
      seeds: [1, 2],
      training: {
        optimizer: { type: 'sgd', learningRate: 0.05 },
        augmentation: { transforms: [{ type: 'rand_augment', magnitude: 12 }, { type: 'flip' }] },
      },
    });
  });

  test('takes a pasted spec, as YAML too, and starts from an example or an earlier job', {
    timeout: 60_000,
  }, async () => {
    const page = await browser.open(`${held.api.url}/new?view=yaml`);
    const text = page.getByLabel('The spec as YAML');
    await expect.poll(() => text.inputValue()).toContain('source: shapes');
    const spec = `name: pasted\ndataset: {source: shapes, trainCount: 100}\nteacher: {architecture: {type: lightnn}}
students:\n  - {name: a, architecture: {type: lightnn}, method: [{type: soft_target}]}\n`;
    await text.fill('name: [');
    await page
      .getByText(/Flow sequence|at line 1/)
      .first()
      .waitFor();
    await text.fill(spec);
    await page.getByText('267,738').first().waitFor();
    await page.getByRole('button', { name: 'Form' }).click();
    expect(await page.getByLabel('Name').first().inputValue()).toBe('pasted');
    await page.keyboard.press('Control+Enter');
    await page.waitForURL(/\/jobs/);
    expect(await newest()).toMatchObject({ name: 'pasted', dataset: { trainCount: 100 } });

    const { jobs } = (await (await held.request('/v1/jobs?limit=1')).json()) as { jobs: JobSummary[] };
    const again = await browser.open(`${held.api.url}/new?from=${jobs[0].id}`);
    await expect.poll(() => again.getByLabel('Name').first().inputValue()).toBe('pasted');
    await again.getByRole('button', { name: 'Start from…' }).click();
    await again.getByRole('menuitem', { name: 'first-steps' }).click();
    await expect.poll(() => again.getByLabel('Name').first().inputValue()).toBe('first steps');
  });

  test.each([1280, 375])('is accessible %i pixels wide', { timeout: 60_000 }, async (width) => {
    const page = await browser.open(`${held.api.url}/new`, { width });
    await page.getByText('267,738').first().waitFor();
    await page.locator('#more > summary').click();
    await expectFits(page);
    await expectAccessible(page);
  });

  test('complains of nothing on the console', () => {
    expect(browser.complaints).toEqual([]);
  });
});
