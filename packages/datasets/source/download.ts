import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DistilleryError } from '@distillery/spec';
import type { DatasetContext } from './dataset.ts';
import { openRegularFile } from './regular-file.ts';

/** A file on the web whose content is known. */
export interface KnownFile {
  url: string;
  bytes: number;
  /** Lower-case hexadecimal digits. */
  sha256: string;
}

/** A host that sends nothing for this long counts as unreachable. */
const STALL_MS = 30_000;
const TOTAL_MS = 30 * 60_000;
/** The bytes between two lines of progress. */
const PROGRESS_STEP = 16 * 2 ** 20;

/**
 * Downloads a file to `target`, unless it is already there with the right digest. The download goes to a draft beside it,
 * which is renamed when it is complete.
 *
 * @param advice what to do when the host does not answer, for the error message
 * @throws DistilleryError `data_unavailable` when the download fails, `data_error` when the content is wrong
 */
export async function ensureDownloaded(
  file: KnownFile,
  target: string,
  context: DatasetContext,
  advice: string,
): Promise<void> {
  const found = await sha256OfFile(target, context.signal).catch(() => undefined);
  context.signal?.throwIfAborted();
  if (found !== file.sha256) await download(file, target, context, advice);
}

async function download(
  file: KnownFile,
  target: string,
  context: DatasetContext,
  advice: string,
): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  const draft = `${target}.${randomUUID()}.tmp`;
  try {
    const found = await fetchTo(file, draft, context).catch((cause) => {
      context.signal?.throwIfAborted();
      if (cause instanceof DistilleryError) throw cause;
      throw new DistilleryError('data_unavailable', `${file.url}: ${reasonOf(cause)}; ${advice}`, { cause });
    });
    if (found !== file.sha256) throw wrongDigest(file.url, file.sha256, found);
    await rename(draft, target);
  } finally {
    await rm(draft, { force: true });
  }
}

/** @returns the SHA-256 of the written bytes */
async function fetchTo(file: KnownFile, draft: string, context: DatasetContext): Promise<string> {
  const stalled = new AbortController();
  const stall = setTimeout(() => stalled.abort(new Error(`no data for ${STALL_MS / 1000} s`)), STALL_MS);
  const signals = [stalled.signal, AbortSignal.timeout(TOTAL_MS)];
  if (context.signal !== undefined) signals.push(context.signal);
  const output = await open(draft, 'wx');
  try {
    const response = await fetch(file.url, { signal: AbortSignal.any(signals) });
    if (!response.ok || response.body === null) throw new Error(`HTTP ${response.status}`);
    const hash = createHash('sha256');
    let received = 0;
    for await (const chunk of response.body) {
      stall.refresh();
      hash.update(chunk);
      if (received + chunk.length > file.bytes) {
        const message = `${file.url} is longer than the expected ${file.bytes} bytes`;
        throw new DistilleryError('data_error', message);
      }
      if (Math.floor((received + chunk.length) / PROGRESS_STEP) > Math.floor(received / PROGRESS_STEP)) {
        context.progress?.(`${file.url}: ${Math.round((100 * received) / file.bytes)} %`);
      }
      received += chunk.length;
      await output.writeFile(chunk);
    }
    if (received < file.bytes) throw new Error(`ended after ${received} of ${file.bytes} bytes`);
    await output.sync();
    return hash.digest('hex');
  } finally {
    clearTimeout(stall);
    await output.close();
  }
}

/** Whether the host answers a HEAD for the file within `timeout` milliseconds. */
export async function answers(url: string, timeout: number): Promise<boolean> {
  try {
    return (await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(timeout) })).ok;
  } catch {
    return false;
  }
}

export async function sha256OfFile(path: string, signal?: AbortSignal): Promise<string> {
  const file = await openRegularFile(path);
  const hash = createHash('sha256');
  for await (const chunk of file.createReadStream({ highWaterMark: 1 << 20 })) {
    signal?.throwIfAborted();
    hash.update(chunk);
  }
  return hash.digest('hex');
}

export function wrongDigest(name: string, expected: string, found: string): DistilleryError {
  return new DistilleryError('data_error', `${name}: SHA-256 is ${found}, expected ${expected}`);
}

/** The message of fetch's error is only "fetch failed"; the reason is in its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message || error.message : error.message;
}
