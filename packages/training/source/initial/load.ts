import type { ParameterSpec } from '@distillery/engine';
import { DistilleryError } from '@distillery/spec';
import type { Store } from '@distillery/store';
import { readHeader } from '@distillery/teachers';
import type { Values } from '../network.ts';
import { loadWeights } from '../weights.ts';
import { resizing } from './fit.ts';
import type { PlannedInitial } from './plan-initial.ts';
import { resizedPositions } from './positions.ts';

/**
 * Loads the weights that a network starts from, under its own names.
 *
 * @param digest of the stored weights
 * @param parameters of the network
 * @param preparation the metadata that describe how its inputs are prepared
 * @param warn receives what may be a mistake
 * @throws DistilleryError `artifact_corrupt` for damaged weights; `preflight_failed` where they were trained with another
 *   vocabulary, whose ids mean other words
 */
export async function loadInitial(
  store: Store,
  digest: string,
  { copied }: PlannedInitial,
  parameters: readonly ParameterSpec[],
  preparation: Readonly<Record<string, string>>,
  warn: (message: string) => void,
): Promise<Values> {
  const { metadata, shapes } = await readHeader(store, digest);
  const { tokenizer, normalization } = metadata;
  if (tokenizer !== undefined && tokenizer !== preparation.tokenizer) {
    throw new DistilleryError(
      'preflight_failed',
      'the initial weights belong to another vocabulary than that of the data set, so their ids mean other words; give both jobs the same tokenizer and training texts',
    );
  }
  if (normalization !== undefined && differs(normalization, preparation.normalization)) {
    warn(
      `the initial weights were trained with the normalisation ${normalization}, but images are normalised by ${preparation.normalization}: the first epochs adapt them`,
    );
  }
  const own = parameters.filter(({ name }) => name in copied);
  const sources = own.map((parameter) => {
    const grids = resizing(parameters, parameter.name, shapes.get(copied[parameter.name]) ?? []);
    return { parameter, grids, name: copied[parameter.name] };
  });
  const theirs = sources.map(({ parameter, grids, name }) => {
    if (grids === undefined) return { ...parameter, name };
    const [one, , width] = parameter.shape;
    return { ...parameter, name, shape: [one, grids.before + grids.from ** 2, width] };
  });
  const values = await loadWeights(store, digest, theirs);
  return Object.fromEntries(
    sources.map(({ parameter, grids, name }) => {
      if (grids === undefined) return [parameter.name, values[name]];
      const sides = `${grids.from}×${grids.from} patches for ${grids.to}×${grids.to}`;
      warn(`the positions of the initial weights (${parameter.name}) were resized from ${sides}`);
      return [parameter.name, resizedPositions(values[name], parameter.shape[2], grids)];
    }),
  );
}

/** Whether two normalisations differ by more than rounding and another sample of the same images would explain. */
function differs(theirs: string, ours = 'null'): boolean {
  const numbers = (text: string) => (text.match(/-?[\d.]+(?:e-?\d+)?/g) ?? []).map(Number);
  const [a, b] = [numbers(theirs), numbers(ours)];
  return a.length !== b.length || a.some((value, index) => Math.abs(value - b[index]) > 0.05);
}
