import { nothing } from './numbers.ts';

/** Times as people say them. The exact time stands in a title, which `exactTime` makes. */

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

const clock = (time: Date) => time.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
const midnight = (time: number) => new Date(time).setHours(0, 0, 0, 0);

/** `just now`, `11 min ago`, `today 14:02`, `yesterday`, `3 days ago`, `12 Mar 2026`. */
export function ago(time: string | number | null | undefined, now = Date.now()): string {
  if (time === null || time === undefined) return nothing;
  const at = new Date(time);
  const passed = now - at.getTime();
  if (passed < minute) return 'just now';
  if (passed < hour) return `${Math.floor(passed / minute)} min ago`;
  const days = Math.round((midnight(now) - midnight(at.getTime())) / day);
  if (days <= 0) return passed < 3 * hour ? `${Math.floor(passed / hour)} h ago` : `today ${clock(at)}`;
  if (days === 1) return 'yesterday';
  if (days < 7) return `${days} days ago`;
  return at.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });
}

/** The date and time to the second, for titles. */
export function exactTime(time: string | number | null | undefined): string | undefined {
  if (time === null || time === undefined) return undefined;
  return new Date(time).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });
}

/** `14:40:02` */
export const clockTime = (time: string | number): string =>
  new Date(time).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

/** A length of time in its two largest units: `38 s`, `11 min`, `2 h 08 min`, `3 days 4 h`. */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return nothing;
  if (seconds < 59.5)
    return `${seconds < 9.95 && seconds >= 0.05 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${String(minutes % 60).padStart(2, '0')} min`;
  const days = Math.floor(hours / 24);
  return `${days} ${days === 1 ? 'day' : 'days'} ${hours % 24} h`;
}

/** As `duration`, roughly, for estimates: `about 21 min`. */
export const about = (seconds: number | null | undefined): string =>
  seconds === null || seconds === undefined
    ? nothing
    : `about ${duration(seconds < 10 ? Math.ceil(seconds) : seconds)}`;

/** Seconds between two times; until now while the second is missing. */
export function secondsBetween(from: string | null, to: string | null, now = Date.now()): number | null {
  if (from === null) return null;
  return Math.max(0, ((to === null ? now : Date.parse(to)) - Date.parse(from)) / 1000);
}
