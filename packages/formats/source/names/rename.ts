import type { NamedTensor } from '../format.ts';
import { namings } from './index.ts';
import type { ArchitectureNames } from './naming.ts';

/** Tensors under our names. */
export interface Renamed {
  tensors: NamedTensor[];
  /** The naming that they came in; undefined for ours. */
  naming: string | undefined;
  /** The names in the file of a parameter of ours. */
  namesOf(name: string): readonly string[];
}

/** A naming that a file may be in; ours has no names of its own. */
interface Candidate {
  naming: string | undefined;
  names: ArchitectureNames | undefined;
}

/**
 * Gives tensors of another library our names. Which library it is follows from the names: the one with the most parameters in the file.
 * Tensors that belong to no parameter keep their names.
 *
 * @param architecture the type of the network
 * @param parameters the names of its parameters
 * @param tensors float32, as `readWeights` returns them
 */
export function renamed(
  architecture: string,
  parameters: readonly string[],
  tensors: readonly NamedTensor[],
): Renamed {
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const found = (names: readonly string[] | undefined) => names?.every((name) => byName.has(name)) === true;
  const ours: Candidate = { naming: undefined, names: undefined };
  const candidates = [
    ours,
    ...namings.flatMap(({ type, architectures }): Candidate[] =>
      Object.hasOwn(architectures, architecture)
        ? [{ naming: type, names: architectures[architecture] }]
        : [],
    ),
  ].map((one) => {
    const namesOf = (name: string) =>
      one.names === undefined ? [name] : (one.names.namesOf(name) ?? [name]);
    return { ...one, namesOf, count: parameters.filter((name) => found(namesOf(name))).length };
  });
  const best = candidates.reduce((most, one) => (one.count > most.count ? one : most));
  if (best.naming === undefined) return { tensors: [...tensors], ...best };
  const used = new Set<string>();
  const joined = parameters.flatMap((name): NamedTensor[] => {
    const names = best.namesOf(name);
    if (!found(names)) return [];
    for (const each of names) used.add(each);
    return [{ ...concatenated(names.map((each) => byName.get(each) as NamedTensor)), name }];
  });
  return { ...best, tensors: [...joined, ...tensors.filter(({ name }) => !used.has(name))] };
}

/** Joins tensors along their first dimension. Shapes that do not fit are kept apart by the caller's check of the result. */
function concatenated(parts: readonly NamedTensor[]): NamedTensor {
  if (parts.length === 1) return parts[0];
  const data = new Float32Array(parts.reduce((sum, part) => sum + part.data.length, 0));
  let at = 0;
  for (const part of parts) {
    data.set(part.data as Float32Array, at);
    at += part.data.length;
  }
  const first = parts.reduce((sum, { shape }) => sum + (shape[0] ?? 0), 0);
  return { ...parts[0], shape: [first, ...parts[0].shape.slice(1)], data };
}

/**
 * Gives parameters of ours the names of a library.
 *
 * @throws RangeError for an architecture, or a parameter, that the library does not have
 */
export function named(type: string, architecture: string, parameters: readonly NamedTensor[]): NamedTensor[] {
  const naming = namings.find((one) => one.type === type);
  const names =
    naming !== undefined && Object.hasOwn(naming.architectures, architecture)
      ? naming.architectures[architecture]
      : undefined;
  if (names === undefined) {
    const known = Object.keys(naming?.architectures ?? {}).join(', ');
    throw new RangeError(`${architecture} has no names of ${type}, which has those of: ${known}`);
  }
  return parameters.flatMap((parameter) => {
    const theirs = names.namesOf(parameter.name);
    if (theirs === undefined)
      throw new RangeError(`${type} has no name for ${parameter.name} of ${architecture}`);
    return split(parameter, theirs);
  });
}

function split(tensor: NamedTensor, names: readonly string[]): NamedTensor[] {
  const [first, ...rest] = tensor.shape;
  const size = tensor.data.length / names.length;
  return names.map((name, index) => ({
    ...tensor,
    name,
    shape: names.length === 1 ? tensor.shape : [first / names.length, ...rest],
    data: tensor.data.slice(index * size, (index + 1) * size),
  }));
}
