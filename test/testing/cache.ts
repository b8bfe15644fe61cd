import { homedir } from 'node:os';
import { join } from 'node:path';

/** The folder in which tests keep what they download: `$DISTILLERY_CACHE`, by default in the user's cache. */
export function testCache(): string {
  return process.env.DISTILLERY_CACHE ?? join(homedir(), '.cache', 'distillery');
}
