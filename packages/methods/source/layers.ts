import { z } from 'zod';
import { type TapPair, type TapShapes, TapError } from './term.ts';

/** What terms on the layers of transformers share: which layer of the student follows which of the teacher. */

const name = z.string().max(64);
const names = z.union([name, z.array(name).min(1).max(64)]);
type Names = z.output<typeof names>;

const described = (side: string) =>
  `the ${side}'s tap, or a list of them; default: of all layers, evenly spread`;

/** The options by which terms name taps of layers. */
export const layerPairsOptions = {
  student: names.optional().describe(described('student')),
  teacher: names.optional().describe(described('teacher')),
};

/** A tap that transformers have of each layer, and its axes. */
interface LayerTap {
  /** The name without the layer's number. */
  prefix: string;
  axes: readonly string[];
}

/**
 * The pairs of taps that options name. Without names layer i of M follows the teacher's layer i·N/M of N, rounded up
 * (Jiao et al., 2020, arXiv:1909.10351): the last one the last. A side that names none is spread over those that the
 * other names.
 *
 * @throws TapError when a network has no such tap, the sides differ in number, or in their numbers of tokens
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
  const ours = side('student', kind, options.student, student, count);
  const theirs = side('teacher', kind, options.teacher, teacher, count);
  if (ours.length !== theirs.length) {
    const message = `${ours.length} taps of the student cannot be paired with ${theirs.length} of the teacher`;
    throw new TapError('/teacher', message, options.teacher);
  }
  return ours.map((tap, i) => {
    const pair = { student: tap, teacher: theirs[i] };
    const [from, to] = [student[tap], teacher[pair.teacher]];
    const at = kind.axes.indexOf('tokens');
    if (from[at] === to[at]) return pair;
    const message = `the student's ${tap} [${from}] and the teacher's ${pair.teacher} [${to}] differ in their tokens`;
    throw new TapError('/student', message, options.student);
  });
}

/** Of `layers`, in their order, as many as asked for: evenly spread, the last one always among them. */
function spread(layers: readonly string[], count: number): string[] {
  return Array.from({ length: count }, (_, i) => layers[Math.ceil(((i + 1) * layers.length) / count) - 1]);
}

function side(
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
    const message = `the ${whose} has no ${kind.prefix}1, ${kind.prefix}2… to take by default: it is no transformer`;
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

/** Three axes are a map's as well, so these go by their names. */
function fits({ prefix, axes }: LayerTap, tap: string, taps: TapShapes): boolean {
  return taps[tap].length === axes.length && (axes.length !== 3 || isLayer(prefix, tap));
}

/** In the order of the network. */
function layersOf({ prefix }: LayerTap, taps: TapShapes): string[] {
  return Object.keys(taps).filter((tap) => isLayer(prefix, tap));
}

function isLayer(prefix: string, tap: string): boolean {
  return tap.startsWith(prefix) && /^\d+$/.test(tap.slice(prefix.length));
}
