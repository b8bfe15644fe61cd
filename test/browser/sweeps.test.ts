import { privateApi } from '@distillery/api/testing';
import type { SweepEstimate, TrialRecord, TrialRun } from '@distillery/spec';
import { beforeAll, expect, test } from 'vitest';
import {
  describeInBrowser,
  expectAccessible,
  expectFits,
  saveImage,
  testBrowser,
} from './testing/browser.ts';

describeInBrowser('the pages of sweeps', () => {
  const held = privateApi();
  const browser = testBrowser();
  let ended: string;

  /** Trials that have ended, with scores that depend on their values. */
  const trialsOf = (count: number): TrialRecord[] =>
    Array.from({ length: count }, (_, index): TrialRecord => {
      const temperature = [1, 2, 4, 8][index % 4];
      const rate = Number((1e-4 * 1.35 ** index).toPrecision(3));
      const failed = index === 5;
      const epochs = index % 3 === 2 ? [5, 15, 45] : index % 3 === 1 ? [5, 15] : [5];
      const scored = (seed: number, until: number): TrialRun => {
        const gain = 0.03 - 0.004 * Math.abs(temperature - 4) - 0.02 * Math.abs(Math.log10(rate / 2e-3));
        const own = 0.6 + 0.02 * Math.log(until) + gain + 0.004 * seed;
        const both = (mean: number) => ({ best: mean, last: mean - 0.003 });
        const control = 0.6 + 0.02 * Math.log(until) + 0.006 * (seed % 2);
        return {
          seed,
          student: { validation: both(own), test: both(own - 0.012) },
          control: { validation: both(control), test: both(control - 0.01) },
        };
      };
      return {
        values: { '/students/0/method/0/temperature': temperature, '/training/optimizer/learningRate': rate },
        state: failed ? 'failed' : epochs.length === 3 ? 'succeeded' : 'stopped',
        rungs: failed
          ? [{ until: 5, job: 'job_01kg9z3m7q8w5t2r4y6v0xnbcd', runs: null }]
          : epochs.map((until) => ({
              until,
              job: 'job_01kg9z3m7q8w5t2r4y6v0xnbcd',
              runs: [1, 2, 3].map((seed) => scored(seed, until)),
            })),
        reason: failed ? { code: 'nan', message: 'the loss is not a number at step 40' } : null,
      };
    });
  const estimate: SweepEstimate = { trials: 24, jobs: 33, stages: 297, shared: 120, seconds: 5400 };
  const create = async (trials: TrialRecord[]) => {
    const { sweeps } = held.queue;
    const { sweep } = await sweeps.create(
      {
        id: sweeps.newId(),
        owner: null,
        caller: null,
        given: {
          name: 'temperature and rate',
          job: {},
          over: {
            '/students/0/method/0/temperature': { values: [1, 2, 4, 8] },
            '/training/optimizer/learningRate': { logUniform: [1e-4, 1e-1] },
          },
          search: { type: 'halving', trials: 24, minimumEpochs: 5, factor: 3 },
          objective: {},
          seed: 0,
        },
        student: 'small',
        rungs: [5, 15, 45],
        estimate,
        trials,
      },
      undefined,
    );
    return sweep;
  };

  beforeAll(async () => {
    const sweep = await create(trialsOf(24));
    ended = sweep.id;
    await held.queue.sweeps.change(sweep, { state: 'succeeded' });
  });

  test('the list leads to a sweep, whose page tells what is best and by how much', {
    timeout: 60_000,
  }, async () => {
    const list = await browser.open(`${held.api.url}/sweeps`);
    const row = list.getByRole('row').filter({ hasText: 'temperature and rate' });
    await row.getByText('24 of 24').waitFor();
    await expectAccessible(list);
    await expectFits(await browser.open(list.url(), { width: 390 }));
    await row.getByRole('link').click();
    await list.waitForURL(`**/sweeps/${ended}`);
    const page = list;
    const board = page.getByRole('region', { name: 'Trials by accuracy' });
    const first = board.getByRole('row').nth(1);
    const { leaderboard } = (await (await held.request(`/v1/sweeps/${ended}`)).json()) as {
      leaderboard: { trial: number; validation: { best: { mean: number } } }[];
    };
    const [best] = leaderboard;
    expect(await first.innerText()).toContain(`trial ${best.trial}`);
    expect(await first.innerText()).toContain((best.validation.best.mean * 100).toFixed(2));
    expect(await page.locator('.answer').innerText()).toMatch(
      new RegExp(`^Trial ${best.trial} is first, with temperature \\d, learningRate [\\d.]+: `),
    );
    const rows = board.getByRole('row');
    expect(await rows.count()).toBe(11);
    await page.getByRole('button', { name: 'Show all 23' }).click();
    expect(await rows.count()).toBe(24);
    await page.getByRole('button', { name: 'Show the first 10' }).click();
    await page.getByRole('region', { name: 'learningRate' }).scrollIntoViewIfNeeded();
    await page.getByRole('img', { name: 'Validation accuracy over temperature' }).waitFor();
    await page.getByRole('img', { name: 'Validation accuracy over learningRate' }).waitFor();
    await page
      .getByRole('row')
      .filter({ hasText: 'the loss is not a number at step 40' })
      .getByText('Failed')
      .waitFor();
    await expectAccessible(page);
    await page.evaluate(() => scrollTo(0, 250));
    await saveImage(page, 'sweep');
    const phone = await browser.open(page.url(), { width: 390 });
    await phone.getByRole('heading', { name: 'Leaderboard' }).waitFor();
    await expectFits(phone);
  });

  test('a sweep is paused, resumed, cancelled and deleted', { timeout: 60_000 }, async () => {
    const held30 = trialsOf(2).map(
      (trial): TrialRecord => ({ ...trial, state: 'running', rungs: [{ until: 5, job: null, runs: null }] }),
    );
    const { id } = await create(held30);
    const page = await browser.open(`${held.api.url}/sweeps/${id}`);
    await page.getByText('No results yet').waitFor();
    const stateOf = async () => (await held.queue.sweeps.get(id)).state;
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('button', { name: 'Resume' }).waitFor();
    expect(await stateOf()).toBe('paused');
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'Cancel the sweep' }).click();
    await page.getByRole('button', { name: 'Delete…' }).click();
    await page.getByRole('button', { name: 'Delete the sweep and its jobs' }).click();
    await page.waitForURL('**/sweeps');
    await expect(stateOf()).rejects.toMatchObject({ code: 'sweep_not_found' });
    expect(browser.complaints).toEqual([]);
  });
});
