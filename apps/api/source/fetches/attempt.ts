import type { DistilleryQueue } from '@distillery/queue';
import type { Store } from '@distillery/store';
import type { Fetch } from '@distillery/training';
import { addPart, endOf, lastPart } from '../uploads/parts.ts';
import { partBytes } from '../uploads/receive.ts';
import { checkSize, checkSpaceOf } from '../uploads/space.ts';
import { partsOf } from '../uploads/split-stream.ts';
import { arriving } from './arriving.ts';
import { checkStatus, describeFile, rangeOf, validatorOf } from './answered.ts';
import { Interruption, refusal } from './failure.ts';
import { type Answer, follow } from './follow.ts';
import { beginVersion, latestVersion, type Version, versionLog } from './log.ts';
import type { FetchRules } from './rules.ts';
import { watchProgress } from './watch-progress.ts';

/** What fetches have in common. */
export interface FetchContext {
  queue: Pick<DistilleryQueue, 'inventory'>;
  store: Store;
  rules: FetchRules;
}

/**
 * Asks the host once for what is missing of a file, and stores it part by part.
 *
 * @returns the version whose bytes are all there
 * @throws Interruption when bytes are missing and another attempt may bring them; DistilleryError for what does not pass, and those of
 *   the store; the reason of the signal
 */
export async function attempt(context: FetchContext, fetch: Fetch, signal: AbortSignal): Promise<Version> {
  const { store, rules } = context;
  const known = await latestVersion(store, fetch);
  const offset = known === undefined ? 0 : endOf(await lastPart(store, versionLog(fetch, known)));
  if (known !== undefined && offset > 0 && known.size === offset) return known;
  // Without a validator nothing tells whether the rest belongs to the same file.
  const validator = offset > 0 ? known?.validator : null;
  const rest = validator ? { range: `bytes=${offset}-`, 'if-range': validator } : undefined;
  const progress = watchProgress(rules, signal);
  try {
    const answer = await follow(fetch.url, rest ?? {}, rules, progress.signal);
    const body = arriving(answer.response);
    progress.watch(body);
    try {
      const status = checkStatus(answer);
      if (status === 200) {
        const version = await begin(context, fetch, answer);
        return await append(context, fetch, version, 0, body.bytes);
      }
      if (rest === undefined || known === undefined)
        throw refusal(`the host answered ${status}, though the whole file was asked for`);
      if (!continues(answer, known, offset, status)) {
        await beginVersion(context.queue, store, fetch, { ...known, size: null, validator: null });
        throw new Interruption('the file of the host is another one now');
      }
      if (status === 416) return known;
      return await append(context, fetch, known, offset, body.bytes);
    } finally {
      answer.response.destroy();
    }
  } catch (error) {
    signal.throwIfAborted();
    if (progress.signal.aborted) throw new Interruption((progress.signal.reason as Error).message);
    throw error;
  } finally {
    progress.end();
  }
}

/** Notes a file that begins, once there is room for it. */
async function begin({ queue, store, rules }: FetchContext, fetch: Fetch, answer: Answer): Promise<Version> {
  const found = describeFile(answer, fetch.url);
  if (found.size === 0) throw refusal('the file is empty');
  if (found.size !== null) checkSize(found.size, rules);
  const version = await beginVersion(queue, store, fetch, found);
  if (fetch.bounded && fetch.owner !== null) await checkSpaceOf(store, fetch.owner, rules);
  return version;
}

/** Whether an answer to a request for the rest goes on with the bytes that are there; of 416, whether none is missing. */
function continues({ response }: Answer, known: Version, offset: number, status: 206 | 416): boolean {
  const range = rangeOf(response.headers['content-range']);
  if (status === 416) return known.size === null && range?.size === offset;
  const validator = validatorOf(response.headers);
  const isSame = validator === null || validator === known.validator;
  return isSame && range?.start === offset && (known.size === null || range.size === known.size);
}

async function append(
  { store, rules }: FetchContext,
  fetch: Fetch,
  version: Version,
  offset: number,
  bytes: AsyncIterable<Uint8Array>,
): Promise<Version> {
  let end = offset;
  const most = (version.size ?? rules.mostBytes) - offset;
  const source = partsOf(bytes, { most, partBytes, partMs: rules.partMs });
  for await (const part of source.parts) {
    const { digest, size } = await store.put(part);
    if (size === 0) continue;
    await addPart(store, versionLog(fetch, version), { offset: end, size, digest });
    end += size;
    if (version.size === null && fetch.bounded && fetch.owner !== null)
      await checkSpaceOf(store, fetch.owner, rules);
  }
  if (source.exceeded()) {
    if (version.size === null)
      throw refusal(
        `the file has more than the ${rules.mostBytes} bytes of UPLOAD_BYTES: split it, or put it into a folder of DATA_ROOTS`,
        'upload_too_large',
      );
    throw refusal(`the host sends more than the ${version.size} bytes that it has announced`);
  }
  const of = version.size === null ? '' : ` of ${version.size}`;
  if (source.cut() || (version.size !== null && end < version.size))
    throw new Interruption(`the connection was cut after ${end}${of} bytes`);
  if (end === 0) throw refusal('the file is empty');
  return version;
}
