import { canonicalJson } from '@distillery/spec';
import { archiveOf, textBytes } from '../archive.ts';
import type { Format, Weights } from '../format.ts';
import { preparationOf } from './preparation.ts';

/**
 * Packs a network as a folder that runs as it is: a file of the format, `README.md`, `labels.json`, `preprocessing.json`, and the
 * format's examples. Equal arguments give equal bytes.
 *
 * @param options the format's options, parsed
 * @param card the model card, Markdown
 * @throws RangeError for weights, or options, that the format cannot represent or its examples cannot run
 * @throws DistilleryError `artifact_corrupt` for weights that do not describe their network
 */
export function bundleOf(
  { type, extension, encode, bundled }: Format,
  weights: Weights,
  options: Record<string, unknown>,
  card: string,
): Uint8Array {
  if (bundled === undefined) throw new RangeError(`the format ${type} has no examples to bundle it with`);
  const { image, examples, files = (file: Uint8Array) => ({ [`model.${extension}`]: file }) } = bundled;
  const preparation = preparationOf(weights, image(options));
  const texts = {
    'README.md': card,
    'labels.json': `${canonicalJson(JSON.parse(weights.metadata.classes))}\n`,
    'preprocessing.json': `${JSON.stringify(preparation, undefined, 2)}\n`,
    ...examples(preparation),
  };
  return archiveOf({
    ...Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, textBytes(text)])),
    ...files(encode(weights, options)),
  });
}
