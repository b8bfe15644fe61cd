import { type TapPair, type TapShapes, TapError } from './term.ts';
import { z } from 'zod';

/** The options by which terms name a pair of taps. */
export const tapPairOptions = {
  student: z.string().max(64).optional().describe("the student's tap; default: its last map"),
  teacher: z.string().max(64).optional().describe("the teacher's tap; default: its last map"),
};

/** The last tap with a height and a width, of the names in the order of the network. */
function lastMap(taps: TapShapes): string | undefined {
  return Object.keys(taps).findLast((name) => taps[name].length === 3);
}

/**
 * The pair that options name, with defaults filled in.
 *
 * @throws TapError when a tap does not exist
 */
export function tapPair(options: Partial<TapPair>, student: TapShapes, teacher: TapShapes): TapPair {
  return {
    student: chosen('/student', options.student, student),
    teacher: chosen('/teacher', options.teacher, teacher),
  };
}

function chosen(path: string, name: string | undefined, taps: TapShapes): string {
  const tap = name ?? lastMap(taps);
  if (tap !== undefined && Object.hasOwn(taps, tap)) return tap;
  const side = path.slice(1);
  throw new TapError(
    path,
    tap === undefined
      ? `the ${side} has no map to take by default`
      : `the ${side} has no tap ${JSON.stringify(tap)}`,
    name,
    Object.keys(taps),
  );
}
