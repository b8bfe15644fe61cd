import { DistilleryError } from '@distillery/spec/errors';

// Within what both a file system (255 bytes a segment, with room for a suffix) and S3 (1,024 a key) can hold.
const longestSegment = 200;
const longestName = 800;

/**
 * Returns a manifest's name unchanged.
 *
 * @throws DistilleryError `malformed_request` unless it is segments of `[A-Za-z0-9._-]+`, none `.` or `..`, joined by `/`
 */
export function checkName(name: string): string {
  const reason = refusal(name);
  if (reason !== undefined) {
    throw new DistilleryError(
      'malformed_request',
      `${JSON.stringify(name)} is not a manifest's name: ${reason}`,
    );
  }
  return name;
}

/** Like `checkName`, for a folder of names; the empty string is the top. */
export function checkPrefix(prefix: string): string {
  return prefix === '' ? prefix : checkName(prefix);
}

/**
 * Returns a digest unchanged.
 *
 * @throws DistilleryError `malformed_request` unless it is 64 lower-case hexadecimal digits
 */
export function checkDigest(digest: string): string {
  if (!isDigest(digest)) {
    const message = `${JSON.stringify(digest)} is not a SHA-256 digest: 64 lower-case hexadecimal digits`;
    throw new DistilleryError('malformed_request', message);
  }
  return digest;
}

/** Whether a text has the form of a digest. */
export function isDigest(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

function refusal(name: string): string | undefined {
  if (name.length > longestName) return `it is longer than ${longestName} characters`;
  for (const segment of name.split('/')) {
    if (segment === '') return 'a segment is empty';
    if (segment === '.' || segment === '..') return `a segment is ${segment}`;
    if (segment.length > longestSegment) return `a segment is longer than ${longestSegment} characters`;
    if (!/^[A-Za-z0-9._-]+$/.test(segment)) return 'a segment has a character outside A-Z a-z 0-9 . _ -';
  }
  return undefined;
}
