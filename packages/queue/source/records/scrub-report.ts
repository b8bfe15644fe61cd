import type { ScrubReport } from '@distillery/spec';
import { type Client, guarded } from '../redis/connection.ts';
import type { Keys } from '../redis/keys.ts';

/** A scrub whose report was not renewed for so long has ended with its process. */
const leaseMs = 30_000;

/** The report of the last scrub of the store, which every API of the service answers. */
export function scrubReports(redis: Client, keys: Keys) {
  return {
    read: guarded(async (): Promise<ScrubReport | undefined> => {
      const [text, lease] = await Promise.all([redis.get(keys.scrub), redis.get(keys.scrubLease)]);
      if (text === null) return undefined;
      const report = JSON.parse(text) as ScrubReport;
      return report.state === 'running' && lease === null ? { ...report, state: 'stopped' } : report;
    }),

    /** Begins a scrub; false while another one runs. */
    begin: guarded(async (report: ScrubReport): Promise<boolean> => {
      const lease = await redis.set(keys.scrubLease, report.startedAt, 'PX', leaseMs, 'NX');
      if (lease === null) return false;
      await redis.set(keys.scrub, JSON.stringify(report));
      return true;
    }),

    write: guarded(async (report: ScrubReport): Promise<void> => {
      await redis.set(keys.scrub, JSON.stringify(report));
      if (report.state === 'running') await redis.set(keys.scrubLease, report.startedAt, 'PX', leaseMs);
      else await redis.del(keys.scrubLease);
    }),
  };
}
export type ScrubReports = ReturnType<typeof scrubReports>;
