import type { ParameterSpec } from '@distillery/engine';
import { DistilleryError } from '@distillery/spec';
import type { Store } from '@distillery/store';
import { readHeader } from '@distillery/teachers';
import type { Values } from '../network.ts';
import { loadWeights } from '../weights.ts';
import type { PlannedInitial } from './plan-initial.ts';

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
  const { tokenizer, normalization } = (await readHeader(store, digest)).metadata;
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
  const theirs = own.map((parameter) => ({ ...parameter, name: copied[parameter.name] }));
  const values = await loadWeights(store, digest, theirs);
  return Object.fromEntries(own.map(({ name }) => [name, values[copied[name]]]));
}

/** Whether two normalisations differ by more than rounding and another sample of the same images would explain. */
function differs(theirs: string, ours = 'null'): boolean {
  const numbers = (text: string) => (text.match(/-?[\d.]+(?:e-?\d+)?/g) ?? []).map(Number);
  const [a, b] = [numbers(theirs), numbers(ours)];
  return a.length !== b.length || a.some((value, index) => Math.abs(value - b[index]) > 0.05);
}
