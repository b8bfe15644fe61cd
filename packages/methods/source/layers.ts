import { z } from 'zod';
import { type TapPair, type TapShapes, TapError } from './term.ts';

/** Pairs the layers of transformers: which layer of the student learns from which layer of the teacher. */

const name = z.string().max(64);
const names = z.union([name, z.array(name).min(1).max(64)]);
type Names = z.output<typeof names>;

const described = (side: string) =>
  `Tap of the ${side}, or a list of taps. Defaults to taps of layers that are evenly spread over the network.`;

/** Options that name taps of layers. */
export const layerPairsOptions = {
  student: names.optional().describe(described('student')),
  teacher: names.optional().describe(described('teacher')),
};

/** A tap that transformers have in each layer. */
interface LayerTap {
  /** The tap's name without the number of the layer. */
  prefix: string;
  /** The names of its axes, without the batch. */
  axes: readonly string[];
}

/**
 * Resolves the pairs of taps that the options name. Without names, layer i of the student's M layers is paired with
 * the teacher's layer ⌈i·N/M⌉ of N, so the last layers are paired (Jiao et al., 2020, arXiv:1909.10351). If only one
 * side names taps, the other contributes as many layers, evenly spread.
 *
 * @throws TapError if a network has no such tap, or if the sides differ in number or in their numbers of tokens
 */
export function layerPairs(
  kind: LayerTap,
  options: { student?: Names | undefined; teacher?: Names | undefined },
  student: TapShapes,
  teacher: TapShapes,
): TapPair[] {
  const named = [options.student, options.teacher].map((given) =>
    given === undefined ? 0 : [given].flat().length,
  );
  const count = Math.max(...named) || layersOf(kind, student).length;
  const ours = resolveTaps('student', kind, options.student, student, count);
  const theirs = resolveTaps('teacher', kind, options.teacher, teacher, count);
  if (ours.length !== theirs.length) {
    const message = `the student has ${ours.length} taps and the teacher ${theirs.length}: name as many of one as of the other`;
    throw new TapError('/teacher', message, options.teacher);
  }
  return ours.map((tap, i) => {
    const pair = { student: tap, teacher: theirs[i] };
    const [from, to] = [student[tap], teacher[pair.teacher]];
    const at = kind.axes.indexOf('tokens');
    if (from[at] === to[at]) return pair;
    const message = `the student's ${tap} [${from}] and the teacher's ${pair.teacher} [${to}] differ in the number of tokens`;
    throw new TapError('/student', message, options.student);
  });
}

/** Picks `count` layers, evenly spread and in order. The last layer is always among them. */
function spread(layers: readonly string[], count: number): string[] {
  return Array.from({ length: count }, (_, i) => layers[Math.ceil(((i + 1) * layers.length) / count) - 1]);
}

function resolveTaps(
  whose: 'student' | 'teacher',
  kind: LayerTap,
  named: Names | undefined,
  taps: TapShapes,
  count: number,
): string[] {
  const path = `/${whose}`;
  if (named === undefined) {
    const layers = layersOf(kind, taps);
    if (layers.length > 0) return spread(layers, count);
    const message = `the ${whose} is not a transformer: it has no taps ${kind.prefix}1, ${kind.prefix}2… to use by default`;
    throw new TapError(path, message, named, Object.keys(taps));
  }
  return [named].flat().map((tap, i) => {
    if (Object.hasOwn(taps, tap) && fits(kind, tap, taps)) return tap;
    const message = Object.hasOwn(taps, tap)
      ? `the ${whose}'s ${tap} [${taps[tap]}] is not [${kind.axes.join(', ')}]`
      : `the ${whose} has no tap ${JSON.stringify(tap)}`;
    const allowed = Object.keys(taps).filter((other) => fits(kind, other, taps));
    throw new TapError(Array.isArray(named) ? `${path}/${i}` : path, message, tap, allowed);
  });
}

/** Maps have three axes too, so a tap with three axes must also have the layer's name. */
function fits({ prefix, axes }: LayerTap, tap: string, taps: TapShapes): boolean {
  return taps[tap].length === axes.length && (axes.length !== 3 || isLayer(prefix, tap));
}

/** The taps of this kind, in the order of the network. */
function layersOf({ prefix }: LayerTap, taps: TapShapes): string[] {
  return Object.keys(taps).filter((tap) => isLayer(prefix, tap));
}

function isLayer(prefix: string, tap: string): boolean {
  return tap.startsWith(prefix) && /^\d+$/.test(tap.slice(prefix.length));
}
