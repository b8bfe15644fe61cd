import { interchangeShape, type NetworkPlan, type ParameterSpec } from '@distillery/engine';
import type { FieldError, Initial } from '@distillery/spec';
import { type Grids, gridsOf } from './positions.ts';

/** The tensors of the network that first weights are copied from, in PyTorch's layout. */
export type SourceShapes = ReadonlyMap<string, readonly number[]>;

/** How the first weights of a network are copied from another one. */
export interface Copies {
  /** For each parameter that is copied, its name in the source. */
  copied: Record<string, string>;
  /** The parameters that start from random weights. */
  fresh: string[];
}

/** The most entries of a refusal that compares names. */
const mostFields = 50;

const blockName = /^blocks\.(\d+)\.(.+)$/;

/**
 * Finds for each parameter of a network the tensor that it starts from.
 *
 * @param parameters of the network
 * @param classifier the parameters whose shapes depend on the classes
 * @returns the copies, and an entry for each name that does not fit, with a path relative to `initial`
 */
export function fitCopies(
  { parameters, taps }: Pick<NetworkPlan, 'parameters' | 'taps'>,
  classifier: ReadonlySet<string>,
  source: SourceShapes,
  { layers, classifier: wanted }: Pick<Initial, 'layers' | 'classifier'>,
): Copies & { fields: FieldError[] } {
  const fields = layers === undefined ? [] : checkLayers(layers, taps, source);
  if (fields.length > 0) return { copied: {}, fresh: [], fields };
  const copied: Record<string, string> = {};
  const fresh: string[] = [];
  for (const parameter of parameters) {
    const { name } = parameter;
    if (wanted === 'fresh' && classifier.has(name)) {
      fresh.push(name);
      continue;
    }
    const theirs = layers === undefined ? name : nameInSource(name, layers);
    const expected = interchangeShape(parameter);
    const found = source.get(theirs);
    const path = `/${name}`;
    if (found === undefined) {
      fields.push({ path, message: `is missing in the source as ${theirs}, expected [${expected}]` });
    } else if (`${found}` === `${expected}` || resizing(parameters, name, found) !== undefined)
      copied[name] = theirs;
    else {
      const hint = classifier.has(name) ? '; "classifier": "fresh" starts it from random weights' : '';
      const message = `has the shape [${found}] in the source (${theirs}), expected [${expected}]${hint}`;
      fields.push({ path, message, value: [...found] });
    }
  }
  if (layers === undefined) fields.push(...surplus(source, copied, fresh));
  return { copied, fresh, fields: fields.slice(0, mostFields) };
}

/**
 * Returns how a parameter is resized that has another shape in the source: the positions of a vision transformer, for images or
 * patches of another size. Undefined for all others.
 *
 * @param parameters of the network
 * @param found the shape in the source
 */
export function resizing(
  parameters: readonly ParameterSpec[],
  name: string,
  found: readonly number[],
): Grids | undefined {
  const own = parameters.find((parameter) => parameter.name === name);
  if (name !== 'pos_embed' || own === undefined) return undefined;
  // Tables of texts have no tokens before their first position, and none is resized.
  const before = parameters.filter((parameter) =>
    ['cls_token', 'dist_token'].includes(parameter.name),
  ).length;
  return before === 0 ? undefined : gridsOf(found, interchangeShape(own), before);
}

/** Block i of the network is block `layers[i]` of the source. */
function nameInSource(name: string, layers: readonly number[]): string {
  const [, index, rest] = blockName.exec(name) ?? [];
  return index === undefined ? name : `blocks.${layers[Number(index)]}.${rest}`;
}

function checkLayers(
  layers: readonly number[],
  taps: NetworkPlan['taps'],
  source: SourceShapes,
): FieldError[] {
  const depth = Object.keys(taps).filter((tap) => /^hidden\d+$/.test(tap)).length;
  const path = '/layers';
  if (depth === 0) {
    return [{ path, message: 'chooses layers of transformers, but the network is none', value: layers }];
  }
  if (layers.length !== depth) {
    const message = `names ${layers.length} layers, expected ${depth}, one for each layer of the network`;
    return [{ path, message, value: layers }];
  }
  const blocks = [...source.keys()].flatMap((name) => blockName.exec(name)?.[1] ?? []);
  const theirs = new Set(blocks.map(Number)).size;
  return layers.flatMap((layer, index) =>
    layer < theirs
      ? []
      : [
          {
            path: `${path}/${index}`,
            message: `is no layer of the source, which has ${theirs}, counted from 0`,
            value: layer,
          },
        ],
  );
}

/** One entry for each tensor that would be left behind without being asked for. */
function surplus(
  source: SourceShapes,
  copied: Readonly<Record<string, string>>,
  fresh: readonly string[],
): FieldError[] {
  const used = new Set([...Object.values(copied), ...fresh]);
  const left = [...source.keys()].filter((name) => !used.has(name));
  return left.map((name) => ({
    path: `/${name}`,
    message: 'of the source belongs to no layer of the network',
  }));
}
