import { shownUrl } from '@distillery/spec';
import { plainName } from '../uploads/tus.ts';
import { Interruption, refusal } from './failure.ts';
import type { Answer } from './follow.ts';
import type { Version } from './log.ts';

/** Statuses of hosts that may answer otherwise soon; 5xx are others. */
const passing = new Set([408, 425, 429]);
/** The longest pause that a host may ask for. */
const mostPauseMs = 10 * 60_000;

/**
 * Tells an answer that carries bytes from the others.
 *
 * @throws Interruption for a host that is busy; DistilleryError `data_error` for an answer that is no file
 */
export function checkStatus({ response, url }: Answer): 200 | 206 | 416 {
  const { statusCode: status = 0, headers } = response;
  if (status === 200 || status === 206 || status === 416) return status;
  response.destroy();
  if (status >= 500 || passing.has(status)) {
    const seconds = Number(headers['retry-after']);
    const pauseMs = seconds > 0 ? Math.min(1000 * seconds, mostPauseMs) : 0;
    throw new Interruption(`the host answered ${status}`, pauseMs);
  }
  const remedy =
    status === 401 || status === 403
      ? 'it asks for a user and a password, or for a signed address that is still valid'
      : 'check the address';
  throw refusal(`the host answered ${status} for ${shownUrl(url.href)}: ${remedy}`);
}

/**
 * Reads what the headers of a whole file tell of it.
 *
 * @throws DistilleryError `data_error` for web pages and for packed answers that nothing asked for
 */
export function describeFile({ response, url }: Answer, asked: string): Omit<Version, 'number'> {
  const { headers } = response;
  const name = nameOf(headers['content-disposition'], url, asked);
  const type = headers['content-type']?.split(';')[0].trim().toLowerCase();
  if (type === 'text/html' && !/\.(csv|tsv|txt|jsonl)$/i.test(name))
    throw refusal(
      'the host answered with a web page, not with a file: give the address that a browser downloads the file from',
    );
  const coding = headers['content-encoding']?.toLowerCase() ?? 'identity';
  // Some hosts name so what is packed in the file itself.
  const isOwn = /gzip/.test(coding) && /\.t?gz$/i.test(name);
  if (coding !== 'identity' && !isOwn)
    throw refusal(`the host sends the file in the Content-Encoding ${coding}, which was not asked for`);
  const length = headers['content-length'];
  const size = length === undefined ? null : Number(length);
  return { size: Number.isSafeInteger(size) ? size : null, validator: validatorOf(headers), name };
}

/** What a host may be asked by whether its file is the same (RFC 9110, 8.8.1): a strong tag, or a date that is old enough. */
export function validatorOf(headers: Answer['response']['headers']): string | null {
  const { etag, date, 'last-modified': modified } = headers;
  if (etag !== undefined) return /^"[^"]*"$/.test(etag) ? etag : null;
  if (modified === undefined || date === undefined) return null;
  // A file that changes twice within a second has one date.
  return Date.parse(date) - Date.parse(modified) >= 1000 ? modified : null;
}

/** The first byte and the size of the whole file in a `Content-Range`; undefined for what is none. */
export function rangeOf(
  header: string | undefined,
): { start: number | null; size: number | null } | undefined {
  const [, start, size] = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(header ?? '') ?? [];
  if (size === undefined) return undefined;
  return { start: start === undefined ? null : Number(start), size: size === '*' ? null : Number(size) };
}

/** The name that the host gives the file, or the end of an address, of those that have an extension. */
function nameOf(disposition: string | undefined, url: URL, asked: string): string {
  const [, extended] = /filename\*=utf-8''([^;\s]+)/i.exec(disposition ?? '') ?? [];
  const [, quoted, plain] = /filename=(?:"([^"]*)"|([^;\s]+))/i.exec(disposition ?? '') ?? [];
  const given = [extended && decoded(extended), quoted ?? plain, lastOf(url), lastOf(new URL(asked))].map(
    (name) => plainName(name ?? ''),
  );
  return given.find((name) => /\.\w+$/.test(name)) ?? given.find((name) => name !== 'file') ?? 'file';
}

const lastOf = ({ pathname }: URL) => decoded(pathname.replace(/\/+$/, '').split('/').at(-1) ?? '');

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
