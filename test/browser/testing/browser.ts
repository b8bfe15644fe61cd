import { accessSync, constants } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect } from 'vitest';

/** Chromium for the tests of the dashboard: one that is on this machine, without a window and without other connections. */

const programs = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

function installed(): string | undefined {
  const paths = (process.env.PATH ?? '').split(delimiter);
  return paths
    .flatMap((folder) => programs.map((program) => join(folder, program)))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

const path = process.env.CI ? undefined : installed();
if (path === undefined) {
  console.log(
    process.env.CI
      ? 'Tests in a browser are skipped in CI.'
      : 'Tests in a browser are skipped: there is no Chromium; node scripts/setup.mjs --browser installs it as root on Debian.',
  );
}

/** As `describe`, skipped where there is no Chromium, and in CI. */
export const describeInBrowser = path === undefined ? describe.skip : describe;

interface OpenOptions extends BrowserContextOptions {
  /** The width of the page in pixels; default 1280, and 375 is a phone. */
  width?: number;
}

/** A browser for the tests of a file. Each page has its own cookies and storage, and is closed after the tests. */
export interface TestBrowser {
  /** Opens an address in a page of its own, with the theme of the system light unless `colorScheme`. */
  open(url: string, options?: OpenOptions): Promise<Page>;
  /** What pages reported on their consoles and as uncaught errors, other than requests that were refused or cut. */
  complaints: string[];
}

/** Starts a browser before the tests of a file, and closes it after them. */
export function testBrowser(): TestBrowser {
  let browser: Browser;
  const complaints: string[] = [];
  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath: path as string,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    });
  }, 60_000);
  afterAll(() => browser?.close());
  return {
    complaints,
    async open(url, { width = 1280, ...options } = {}) {
      const context = await browser.newContext({
        viewport: { width, height: width < 720 ? 812 : 900 },
        colorScheme: 'light',
        reducedMotion: 'reduce',
        ...options,
      });
      const page = await context.newPage();
      page.setDefaultTimeout(10_000);
      page.on('pageerror', (error) => complaints.push(`${page.url()}: ${error.message}`));
      page.on('console', (message) => {
        if (message.type() !== 'error' && message.type() !== 'warning') return;
        // Chromium logs every answer that is no success; the page shows these itself.
        if (!message.text().startsWith('Failed to load resource'))
          complaints.push(`${page.url()}: ${message.text()}`);
      });
      await page.goto(url);
      return page;
    },
  };
}

/** Expects that axe finds nothing wrong with the page as it is now, in the light theme and in the dark one. */
export async function expectAccessible(page: Page): Promise<void> {
  for (const colorScheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme });
    const axe = new AxeBuilder({ page });
    // The two differ in their colours alone, and every rule takes its time.
    const { violations } = await (colorScheme === 'dark' ? axe.withRules('color-contrast') : axe).analyze();
    const found = violations.map(({ id, nodes }) => ({
      id,
      nodes: nodes.slice(0, 5).map(({ html, failureSummary }) => `${html.slice(0, 200)} ${failureSummary}`),
    }));
    expect(found, `${page.url()}, ${colorScheme}`).toEqual([]);
  }
}

/** Expects that nothing makes the page wider than its window, which on a phone hides a part of it. */
export async function expectFits(page: Page): Promise<void> {
  const excess = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  expect(excess, `${page.url()} is wider than its window`).toBe(0);
}

const images = resolve(import.meta.dirname, '../../../docs/images');

/**
 * Saves what the page shows as `docs/images/<name>.png`, when SCREENSHOTS is set: times and fonts differ from run to run and
 * from machine to machine, so that only who means to renews them.
 */
export async function saveImage(page: Page, name: string): Promise<void> {
  if (!process.env.SCREENSHOTS) return;
  await mkdir(images, { recursive: true });
  await page.evaluate(renameHost, hostname());
  await page.screenshot({ path: join(images, `${name}.png`), animations: 'disabled' });
}

/** Runs on the page: pictures show a worker by a name that any machine could have. */
function renameHost(host: string): void {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = texts.nextNode(); node !== null; node = texts.nextNode()) {
    node.textContent =
      node.textContent?.replaceAll(new RegExp(`${host}(-[0-9a-f]{6})?`, 'g'), 'worker-1') ?? '';
  }
}
