import { type TapPair, type TapShapes, TapError } from './term.ts';
import { z } from 'zod';

const name = z.string().max(64);
const names = z.union([name, z.array(name).min(1).max(32)]);

const sides = ['student', 'teacher'] as const;

/** Two options, `student` and `teacher`, that name taps; `describe` gives the description of each. */
function pairOptions<T extends z.ZodType>(tap: T, describe: (side: string) => string) {
  const [student, teacher] = sides.map((side) => tap.optional().describe(describe(side)));
  return { student, teacher };
}

/** Options that name a pair of taps, by default each network's last map. */
export const tapPairOptions = pairOptions(
  name,
  (side) => `Tap of the ${side}, such as "stage3". Defaults to the last map.`,
);

/** Options that name a pair of taps of any shape. */
export const anyPairOptions = pairOptions(
  name,
  (side) => `Tap of the ${side}. Defaults to the last map, or to "features" if the network has no map.`,
);

/** Options that name a pair of vectors. */
export const vectorPairOptions = pairOptions(
  name,
  (side) => `Tap of the ${side}, which must be a vector. Defaults to "features".`,
);

/** Options that name the maps of several stages. */
export const mapPairsOptions = pairOptions(
  names,
  (side) =>
    `Map of the ${side}, or a list of maps. Defaults to the last maps, as many as the other network names, or to the first ones, as many as both have.`,
);

/** Options that name maps before the activation. */
export const preActivationPairsOptions = pairOptions(
  names,
  (side) =>
    `Map of the ${side}, or a list of maps. Defaults to the maps before ReLU if both networks have them, else to the maps.`,
);

type Names = string | string[];

/**
 * Resolves the pair of taps that the options name. Each side defaults to its last map.
 *
 * @throws TapError if a tap does not exist
 */
export function tapPair(options: Partial<TapPair>, student: TapShapes, teacher: TapShapes): TapPair {
  return pairOf(options, student, teacher, 'map', lastMap);
}

/**
 * Resolves the pair of taps that the options name. Each side defaults to its last map, or to `features` if it has no
 * map.
 *
 * @throws TapError if a tap does not exist
 */
export function anyPair(options: Partial<TapPair>, student: TapShapes, teacher: TapShapes): TapPair {
  return pairOf(options, student, teacher, 'map or features', (taps) => lastMap(taps) ?? features(taps));
}

/**
 * Resolves the pair of vectors that the options name. Each side defaults to `features`.
 *
 * @throws TapError if a tap does not exist or is not a vector
 */
export function vectorPair(options: Partial<TapPair>, student: TapShapes, teacher: TapShapes): TapPair {
  const pair = pairOf(options, student, teacher, 'features', features);
  requireKind(pair, student, teacher, 'a vector', options);
  return pair;
}

/**
 * Resolves the pair of maps that the options name. Each side defaults to its last map.
 *
 * @throws TapError if a tap does not exist or is not a map
 */
export function mapPair(options: Partial<TapPair>, student: TapShapes, teacher: TapShapes): TapPair {
  const pair = tapPair(options, student, teacher);
  requireKind(pair, student, teacher, 'a map', options);
  return pair;
}

/**
 * Resolves the pairs of maps that the options name, in the order of the network. A side that names none contributes its
 * last maps, as many as the other side names. If neither side names any, the first maps of both are paired, as many as
 * both have, as common reference implementations pair networks of different families.
 *
 * @param among returns the maps of a network that can be a default
 * @throws TapError if a tap does not exist or is not a map, or if the sides differ in number
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
  const named = Math.max(s.length, t.length);
  const count = named || Math.min(among(student).length, among(teacher).length) || 1;
  const defaults = (taps: TapShapes) => (named > 0 ? among(taps) : among(taps).slice(0, count));
  const ours = resolveTaps('/student', options.student, student, count, defaults);
  const theirs = resolveTaps('/teacher', options.teacher, teacher, count, defaults);
  if (ours.length !== theirs.length) {
    throw new TapError(
      '/teacher',
      `the student has ${ours.length} maps, ${shapes(ours, student)}, and the teacher ${theirs.length}, ` +
        `${shapes(theirs, teacher)}: name as many of one as of the other`,
      options.teacher,
    );
  }
  return ours.map((tap, index) => {
    const pair = { student: tap, teacher: theirs[index] };
    requireKind(pair, student, teacher, 'a map', options, index);
    return pair;
  });
}

/**
 * Resolves pairs of maps as `mapPairs` does, but defaults to the maps before the activation if both networks have them.
 *
 * @throws TapError if a tap does not exist or is not a map, or if the sides differ in number
 */
export function preActivationPairs(
  options: { student?: Names; teacher?: Names },
  student: TapShapes,
  teacher: TapShapes,
): TapPair[] {
  const both = [student, teacher].every((taps) => preActivationsOf(taps).length > 0);
  return mapPairs(options, student, teacher, both ? preActivationsOf : mapsOf);
}

/**
 * Resolves pairs of maps as `mapPairs` does, but the defaults begin with the stem, the layers before the first stage, if
 * both networks have one.
 *
 * @throws TapError if a tap does not exist or is not a map, or if the sides differ in number
 */
export function mapPairsFromStem(
  options: { student?: Names; teacher?: Names },
  student: TapShapes,
  teacher: TapShapes,
): TapPair[] {
  const both = [student, teacher].every((taps) => Object.hasOwn(taps, STEM));
  return mapPairs(options, student, teacher, both ? (taps) => [STEM, ...mapsOf(taps)] : mapsOf);
}

function pairOf(
  options: Partial<TapPair>,
  student: TapShapes,
  teacher: TapShapes,
  kind: string,
  fallback: (taps: TapShapes) => string | undefined,
): TapPair {
  return {
    student: resolveTap('/student', options.student, student, kind, fallback),
    teacher: resolveTap('/teacher', options.teacher, teacher, kind, fallback),
  };
}

const lastMap = (taps: TapShapes) => mapsOf(taps).at(-1);
const features = (taps: TapShapes) => (Object.hasOwn(taps, 'features') ? 'features' : undefined);

/** Attention scores (`attention1`…) have three axes as maps do, but neither height nor width. */
const isMap = (tap: string, taps: TapShapes) => taps[tap].length === 3 && !/^attention\d+$/.test(tap);
/** Architectures name the map before the activation of `stage1` `stage1_pre`. */
const isPreActivation = (tap: string) => tap.endsWith('_pre');

/** The map between the stem of a network and its first stage. Few terms read it, so it must be named or asked for. */
const STEM = 'stem';

/** With several teachers taps are named `<teacher>/stage1`. They are no defaults: the spec must name the teacher. */
const isOfOneTeacher = (tap: string) => tap.includes('/');

/** The names of the maps of the stages, after an activation, in the order of the network. */
function mapsOf(taps: TapShapes): string[] {
  return defaults(taps).filter((tap) => !isPreActivation(tap) && tap !== STEM);
}

function preActivationsOf(taps: TapShapes): string[] {
  return defaults(taps).filter(isPreActivation);
}

function defaults(taps: TapShapes): string[] {
  return Object.keys(taps).filter((tap) => isMap(tap, taps) && !isOfOneTeacher(tap));
}

function resolveTaps(
  path: string,
  named: Names | undefined,
  taps: TapShapes,
  count: number,
  among: (taps: TapShapes) => string[],
): string[] {
  if (named === undefined) {
    const maps = among(taps);
    if (maps.length >= count) return maps.slice(-count);
    const found =
      maps.length === 0
        ? 'no map to use by default'
        : `only the maps ${shapes(maps, taps)} to use by default, and ${count} are needed`;
    throw new TapError(path, `the ${path.slice(1)} has ${found}`, named, Object.keys(taps));
  }
  return [named]
    .flat()
    .map((tap, index) => resolveTap(pointer(path, named, index), tap, taps, 'map', () => undefined));
}

function resolveTap(
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
      ? `the ${side} has no ${kind} to use by default`
      : `the ${side} has no tap ${JSON.stringify(tap)}`,
    named,
    Object.keys(taps),
  );
}

/** Throws a TapError unless both taps are of that kind. */
function requireKind(
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
      pointer(`/${side}`, options[side], index),
      `${described(side)}, to be compared with ${described(other)}, is not ${kind}`,
      [options[side]].flat()[index],
      Object.keys(taps[side]).filter((tap) => fits(tap, taps[side])),
    );
  }
}

/** The JSON pointer of a name in an option that is one name or a list of names. */
function pointer(path: string, named: Names | undefined, index: number): string {
  return Array.isArray(named) ? `${path}/${index}` : path;
}

function shapes(names: string[], taps: TapShapes): string {
  return names.map((tap) => `${tap} [${taps[tap]}]`).join(', ');
}
