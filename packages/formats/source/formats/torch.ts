import { canonicalJson, DistilleryError } from '@distillery/spec';
import { z } from 'zod';
import { archiveOf, bytesOf, textBytes } from '../archive.ts';
import { bundledForTorch } from '../bundle/bundled-for-torch.ts';
import type { Format, Weights } from '../format.ts';
import { halved, precisionOption } from '../halved.ts';
import { namesOption, withNames } from '../names/option.ts';
import { readMetadata } from '../metadata.ts';
import { readStateDict } from '../torch/read-state-dict.ts';
import { stateDict } from '../torch/state-dict.ts';
import { unpacked } from '../zip.ts';

const options = z.strictObject({ precision: precisionOption, names: namesOption });

/**
 * Loads with `model.load_state_dict(torch.load(path, weights_only=True))`. The archive has the layout of `torch.save`: a
 * pickle that describes the tensors, and a file for the numbers of each. The metadata are `archive/extra/metadata.json`.
 */
export const torch = {
  type: 'torch',
  bundled: bundledForTorch('torch'),
  summary: "PyTorch's own file of a state dict, as torch.save writes it",
  reference: 'https://docs.pytorch.org/docs/stable/notes/serialization.html',
  options,
  mediaType: 'application/zip',
  extension: 'pt',
  encode(weights: Weights, { precision, names }: z.output<typeof options>): Uint8Array {
    const { metadata } = weights;
    const tensors = withNames(weights, names).map((tensor) => halved(tensor, precision));
    // The pickle comes first: PyTorch takes the name of the folder from the first entry.
    return archiveOf({
      'archive/data.pkl': stateDict(tensors),
      'archive/byteorder': textBytes('little'),
      ...Object.fromEntries(tensors.map(({ data }, index) => [`archive/data/${index}`, bytesOf(data)])),
      'archive/extra/metadata.json': textBytes(canonicalJson(metadata)),
      'archive/version': textBytes('3\n'),
    });
  },
  decode(bytes: Uint8Array): Weights {
    const files = unpacked(bytes);
    const pickle = [...files.keys()].find((name) => /^[^/]+\/data\.pkl$/.test(name));
    if (pickle === undefined) {
      throw new DistilleryError(
        'artifact_corrupt',
        'the archive has no data.pkl: it is no file of torch.save',
      );
    }
    const folder = pickle.slice(0, -'data.pkl'.length);
    const metadata = files.get(`${folder}extra/metadata.json`);
    return {
      parameters: readStateDict(files.get(pickle) as Uint8Array, (key) => files.get(`${folder}data/${key}`)),
      metadata: metadata === undefined ? {} : readMetadata(metadata),
    };
  },
} satisfies Format<typeof options>;
