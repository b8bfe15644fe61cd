import { digestOf } from '@distillery/spec';
import type { DatasetOutline } from './dataset.ts';

const maximum = 200;
const outlines = new Map<string, Promise<DatasetOutline>>();

/**
 * Describes a data set once while its files stay as they are. Requests for the same description share one reading of the
 * files. The latest 200 descriptions of this thread are kept; a failure is not.
 *
 * @param fingerprint everything that the description depends on: the files with sizes and times, and the options
 */
export async function outlinedOnce(
  fingerprint: unknown,
  describe: () => Promise<DatasetOutline>,
): Promise<DatasetOutline> {
  const key = digestOf(fingerprint);
  const known = outlines.get(key);
  const outline = known ?? describe();
  // The map keeps the order of insertion: the oldest entry is the one that was not asked for the longest.
  outlines.delete(key);
  outlines.set(key, outline);
  if (outlines.size > maximum) outlines.delete(outlines.keys().next().value as string);
  try {
    return await outline;
  } catch (error) {
    if (outlines.get(key) === outline) outlines.delete(key);
    throw error;
  }
}
