import { styleText } from 'node:util';

/** Draws a share of 0 to 1 as a bar. */
export function bar(fraction: number, width = 16): string {
  const full = Math.round(Math.min(1, Math.max(0, fraction)) * width);
  return styleText('cyan', '━'.repeat(full)) + styleText('dim', '─'.repeat(width - full));
}
