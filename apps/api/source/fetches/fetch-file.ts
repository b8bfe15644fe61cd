import { setTimeout as delay } from 'node:timers/promises';
import { DistilleryError } from '@distillery/spec';
import type { BlobInfo } from '@distillery/store';
import type { Fetch } from '@distillery/training';
import { endOf, joinParts } from '../uploads/parts.ts';
import { attempt, type FetchContext } from './attempt.ts';
import { Interruption, refusal } from './failure.ts';
import { arrived, arrivedParts, type Version } from './log.ts';

/**
 * Fetches a file into the store, and goes on after interruptions, also those of earlier processes.
 *
 * @param told is told of each interruption
 * @returns the blob and the name of the file
 * @throws DistilleryError `data_unavailable` after several attempts that brought nothing new; `checksum_mismatch` for other bytes than
 *   those of the digest that was given; `data_error`, `upload_too_large`, `storage_quota` for what no attempt changes; those of the store;
 *   the reason of the signal
 */
export async function fetchFile(
  context: FetchContext,
  fetch: Fetch,
  signal: AbortSignal,
  told: (reason: string) => void,
): Promise<BlobInfo & { name: string }> {
  const version = await fetched(context, fetch, signal, told);
  const all = await arrivedParts(context.store, fetch, version);
  const blob = await joinParts(context.store, all);
  const size = endOf(all.at(-1));
  if (blob.size !== size || (version.size ?? size) !== size)
    throw new DistilleryError(
      'artifact_corrupt',
      `the parts of the file have ${blob.size} bytes, not ${size}`,
    );
  if (fetch.sha256 !== undefined && blob.digest !== fetch.sha256)
    throw refusal(
      `the SHA-256 of the file is ${blob.digest}, not ${fetch.sha256}: another file lies at the address now, or the digest is of another file`,
      'checksum_mismatch',
      '/sha256',
    );
  return { ...blob, name: version.name };
}

async function fetched(
  context: FetchContext,
  fetch: Fetch,
  signal: AbortSignal,
  told: (reason: string) => void,
): Promise<Version> {
  const { store, rules } = context;
  let [best, failures] = [(await arrived(store, fetch)).received, 0];
  for (;;) {
    try {
      return await attempt(context, fetch, signal);
    } catch (error) {
      if (!(error instanceof Interruption)) throw error;
      const { received } = await arrived(store, fetch);
      failures = received > best ? 1 : failures + 1;
      best = Math.max(best, received);
      if (failures >= rules.tries)
        throw refusal(
          `${failures} attempts in a row brought nothing new; of the last one: ${error.message}. Make the data set again later to go on`,
          'data_unavailable',
        );
      told(error.message);
      const pause =
        Math.min(rules.longestMs, rules.firstMs * 2 ** (failures - 1)) * (0.75 + Math.random() / 2);
      await delay(Math.max(pause, error.pauseMs), undefined, { signal });
    }
  }
}
