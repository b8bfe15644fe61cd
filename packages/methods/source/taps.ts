import { type TapPair, type TapShapes, TapError } from './term.ts';
import { z } from 'zod';

const name = z.string().max(64);
const names = z.union([name, z.array(name).min(1).max(32)]);

/** The options by which terms name a pair of taps. */
export const tapPairOptions = {
  student: name.optional().describe("the student's tap; default: its last map"),
  teacher: name.optional().describe("the teacher's tap; default: its last map"),
};

/** The options by which terms name a pair of taps of any shape. */
export const anyPairOptions = {
  student: name
    .optional()
    .describe("the student's tap; default: its last map, or features where it has none"),
  teacher: name
    .optional()
    .describe("the teacher's tap; default: its last map, or features where it has none"),
};

/** The options by which terms name a pair of vectors. */
export const vectorPairOptions = {
  student: name.optional().describe("the student's tap, a vector; default: features"),
  teacher: name.optional().describe("the teacher's tap, a vector; default: features"),
};

/** The options by which terms name maps of several stages. */
export const mapPairsOptions = {
  student: names.optional().describe("the student's map, or a list of them; default: as many as both have"),
  teacher: names.optional().describe("the teacher's map, or a list of them; default: as many as both have"),
};

/** The options by which terms name maps from before the activation. */
export const preActivationPairsOptions = {
  student: names
    .optional()
    .describe("the student's map, or a list of them; default: those before ReLU where both have such"),
  teacher: names
    .optional()
    .describe("the teacher's map, or a list of them; default: those before ReLU where both have such"),
};

type Names = string | string[];

/**
 * The pair that options name, with defaults filled in: the last maps.
 *
 * @throws TapError when a tap does not exist
 */
export function tapPair(options: Partial<TapPair>, student: TapShapes, teacher: TapShapes): TapPair {
  return pairOf(options, student, teacher, 'map', lastMap);
}

/**
 * The pair that options name, by default the last maps, or `features` where there is no map.
 *
 * @throws TapError when a tap does not exist
 */
export function anyPair(options: Partial<TapPair>, student: TapShapes, teacher: TapShapes): TapPair {
  return pairOf(options, student, teacher, 'map or features', (taps) => lastMap(taps) ?? features(taps));
}

/**
 * The pair of vectors that options name, by default `features`.
 *
 * @throws TapError when a tap does not exist or is a map
 */
export function vectorPair(options: Partial<TapPair>, student: TapShapes, teacher: TapShapes): TapPair {
  const pair = pairOf(options, student, teacher, 'features', features);
  demand(pair, student, teacher, 'a vector', options);
  return pair;
}

/**
 * The pair of maps that options name, by default the last ones.
 *
 * @throws TapError when a tap does not exist or is no map
 */
export function mapPair(options: Partial<TapPair>, student: TapShapes, teacher: TapShapes): TapPair {
  const pair = tapPair(options, student, teacher);
  demand(pair, student, teacher, 'a map', options);
  return pair;
}

/**
 * The pairs of maps that options name, in the order of the network. A side that names none gives its last ones, as
 * many as the other side names; when neither does, the maps are paired from last to first as far as both go.
 *
 * @param among the maps of a network that are taken by default
 * @throws TapError when a tap does not exist, is no map, or the two sides differ in number
 */
export function mapPairs(
  options: { student?: Names; teacher?: Names },
  student: TapShapes,
  teacher: TapShapes,
  among = mapsOf,
): TapPair[] {
  const [s, t] = [options.student, options.teacher].map((named) =>
    named === undefined ? [] : [named].flat(),
  );
  const count = Math.max(s.length, t.length) || Math.min(among(student).length, among(teacher).length) || 1;
  const ours = list('/student', options.student, student, count, among);
  const theirs = list('/teacher', options.teacher, teacher, count, among);
  if (ours.length !== theirs.length) {
    throw new TapError(
      '/teacher',
      `the student's maps ${shapes(ours, student)} and the teacher's ${shapes(theirs, teacher)} differ in number`,
      options.teacher,
    );
  }
  return ours.map((tap, index) => {
    const pair = { student: tap, teacher: theirs[index] };
    demand(pair, student, teacher, 'a map', options, index);
    return pair;
  });
}

/**
 * As `mapPairs`, but what is taken by default are the maps from before the activation, where both networks have such.
 *
 * @throws TapError likewise
 */
export function preActivationPairs(
  options: { student?: Names; teacher?: Names },
  student: TapShapes,
  teacher: TapShapes,
): TapPair[] {
  const both = [student, teacher].every((taps) => preActivationsOf(taps).length > 0);
  return mapPairs(options, student, teacher, both ? preActivationsOf : mapsOf);
}

function pairOf(
  options: Partial<TapPair>,
  student: TapShapes,
  teacher: TapShapes,
  kind: string,
  fallback: (taps: TapShapes) => string | undefined,
): TapPair {
  return {
    student: chosen('/student', options.student, student, kind, fallback),
    teacher: chosen('/teacher', options.teacher, teacher, kind, fallback),
  };
}

const lastMap = (taps: TapShapes) => mapsOf(taps).at(-1);
const features = (taps: TapShapes) => (Object.hasOwn(taps, 'features') ? 'features' : undefined);

/** Transformers name the scores of a layer's attention `attention1`…: three axes as well, but no height and width. */
const isMap = (tap: string, taps: TapShapes) => taps[tap].length === 3 && !/^attention\d+$/.test(tap);
/** Networks name a map from before its activation `stage1_pre`, beside `stage1`. */
const isPreActivation = (tap: string) => tap.endsWith('_pre');

/** One of several teachers' taps is `<teacher>/stage1`: which of them is meant must be said. */
const isOfOneTeacher = (tap: string) => tap.includes('/');

/** Names of the taps with a height and a width, in the order of the network; activations alone. */
function mapsOf(taps: TapShapes): string[] {
  return defaults(taps).filter((tap) => !isPreActivation(tap));
}

function preActivationsOf(taps: TapShapes): string[] {
  return defaults(taps).filter(isPreActivation);
}

function defaults(taps: TapShapes): string[] {
  return Object.keys(taps).filter((tap) => isMap(tap, taps) && !isOfOneTeacher(tap));
}

function list(
  path: string,
  named: Names | undefined,
  taps: TapShapes,
  count: number,
  among: (taps: TapShapes) => string[],
): string[] {
  if (named === undefined) {
    const maps = among(taps);
    if (maps.length >= count) return maps.slice(-count);
    const found = maps.length === 0 ? 'no map' : `only the maps ${shapes(maps, taps)}`;
    throw new TapError(
      path,
      `the ${path.slice(1)} has ${found} to take by default`,
      named,
      Object.keys(taps),
    );
  }
  return [named]
    .flat()
    .map((tap, index) => chosen(at(path, named, index), tap, taps, 'map', () => undefined));
}

function chosen(
  path: string,
  named: string | undefined,
  taps: TapShapes,
  kind: string,
  fallback: (taps: TapShapes) => string | undefined,
): string {
  const tap = named ?? fallback(taps);
  if (tap !== undefined && Object.hasOwn(taps, tap)) return tap;
  const side = path.split('/')[1];
  throw new TapError(
    path,
    tap === undefined
      ? `the ${side} has no ${kind} to take by default`
      : `the ${side} has no tap ${JSON.stringify(tap)}`,
    named,
    Object.keys(taps),
  );
}

/** Throws unless both taps are of that kind. */
function demand(
  pair: TapPair,
  student: TapShapes,
  teacher: TapShapes,
  kind: 'a vector' | 'a map',
  options: { student?: Names; teacher?: Names },
  index = 0,
): void {
  const fits = (tap: string, of: TapShapes) => (kind === 'a map' ? isMap(tap, of) : of[tap].length === 1);
  const taps = { student, teacher };
  const described = (side: 'student' | 'teacher') =>
    `the ${side}'s ${pair[side]} [${taps[side][pair[side]]}]`;
  for (const [side, other] of [
    ['student', 'teacher'],
    ['teacher', 'student'],
  ] as const) {
    if (fits(pair[side], taps[side])) continue;
    throw new TapError(
      at(`/${side}`, options[side], index),
      `${described(side)}, to be compared with ${described(other)}, is not ${kind}`,
      [options[side]].flat()[index],
      Object.keys(taps[side]).filter((tap) => fits(tap, taps[side])),
    );
  }
}

/** The path of a name in an option that is one name or a list of them. */
function at(path: string, named: Names | undefined, index: number): string {
  return Array.isArray(named) ? `${path}/${index}` : path;
}

function shapes(names: string[], taps: TapShapes): string {
  return names.map((tap) => `${tap} [${taps[tap]}]`).join(', ');
}
