import { randomBytes } from 'node:crypto';

/** Crockford's base 32: no letter that looks like a digit, in the order of the character codes. */
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

let last = 0;

/** `<what>_`, the time in milliseconds in ten characters, sixteen random ones: ids sort by the time of their creation. */
export function newId(what: 'job' | 'sweep'): string {
  last = Math.max(Date.now(), last + 1);
  let time = '';
  for (let rest = last, i = 0; i < 10; i++, rest = Math.floor(rest / 32)) time = alphabet[rest % 32] + time;
  return `${what}_${time}${Array.from(randomBytes(16), (byte) => alphabet[byte % 32]).join('')}`;
}

/** The time in milliseconds at which an id was made, by the clock of the API that made it. */
export function timeOfJobId(id: string): number {
  let time = 0;
  for (let i = 4; i < 14; i++) time = 32 * time + alphabet.indexOf(id[i]);
  return time;
}

export function isId(what: 'job' | 'sweep', id: string): boolean {
  return id.startsWith(`${what}_`) && /^[0-9a-hjkmnp-tv-z]{26}$/.test(id.slice(what.length + 1));
}

export const newJobId = () => newId('job');
export const isJobId = (id: string) => isId('job', id);
