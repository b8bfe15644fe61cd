/** Finds a Chromium for the tests of the dashboard, or installs that of Debian. Without one these tests are skipped. */
import { aptInstall, canAptInstall, which } from './shell.mjs';

const programs = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** Returns the path of a Chromium on this machine, or undefined. */
function localChromium() {
  return programs.map(which).find((path) => path !== undefined);
}

export async function prepareBrowser(print) {
  if (process.env.CI) return 'skipped in CI, where the tests in a browser are skipped';
  const found = localChromium();
  if (found) return found;
  const without = 'none: the tests in a browser are skipped';
  if (!canAptInstall()) return without;
  try {
    await aptInstall(['chromium'], print);
  } catch (error) {
    return `${without} (${error.message.split('\n')[0]})`;
  }
  return localChromium() ?? without;
}
