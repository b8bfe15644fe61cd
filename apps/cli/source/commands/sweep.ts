import type { Client } from '@distillery/client';
import { bytes, integer } from '../format.ts';

/** What a sweep has found. */
export function sweepLines({
  removed,
  blobs,
  bytes: size,
  checkpoints,
}: Awaited<ReturnType<Client['sweep']>>): string {
  if (blobs + checkpoints === 0) return '  Nothing that no job needs.';
  const found = [
    ...(blobs === 0 ? [] : [`${counted(blobs, 'file')} (${bytes(size)}) that nothing names`]),
    ...(checkpoints === 0 ? [] : [`${counted(checkpoints, 'checkpoint')} of jobs that are deleted`]),
  ].join(', ');
  return removed ? `  Removed: ${found}.` : `  ${found}. To remove them: distill sweep --remove`;
}

function counted(count: number, what: string): string {
  return `${integer(count)} ${what}${count === 1 ? '' : 's'}`;
}
