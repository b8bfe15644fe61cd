import { DistilleryError } from '@distillery/spec';
import type { Store } from '@distillery/store';

/** How long an outcome holds, so that frequent requests do not wear the store. */
const heldMs = 5000;
const timeoutMs = 3000;

/**
 * Returns a check that the store can be written, which a store that is read-only, unmounted or deleted cannot.
 *
 * The check rejects with `store_unavailable` or `disk_full`. A write that hangs, as on a network file system that is away, is
 * waited for by all later checks.
 */
export function storeProbe(
  store: Pick<Store, 'now'>,
  { held = heldMs, timeout = timeoutMs }: { held?: number; timeout?: number } = {},
): () => Promise<void> {
  let last: { written: Promise<unknown>; until: number } | undefined;
  return async () => {
    if (last === undefined || performance.now() > last.until) {
      const probe = { written: store.now(), until: Infinity };
      last = probe;
      // Failures are asked about again at once, so that a store that is back is seen.
      probe.written.then(
        () => (probe.until = performance.now() + held),
        () => (probe.until = 0),
      );
    }
    await within(timeout, last.written);
  };
}

async function within(timeout: number, written: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new DistilleryError(
      'store_unavailable',
      `the artifact store did not answer within ${timeout} ms`,
    );
    timer = setTimeout(() => reject(error), timeout);
  });
  try {
    await Promise.race([written, late]);
  } finally {
    clearTimeout(timer);
  }
}
