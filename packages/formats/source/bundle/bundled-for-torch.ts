import type { Bundled } from '../format.ts';
import { torchExample } from './examples/torch.ts';

/** The bundle of a format of tensors, which PyTorch runs. */
export function bundledForTorch(format: Parameters<typeof torchExample>[0]): Bundled {
  return {
    image({ names = 'pytorch' }) {
      if (names === 'pytorch') return { layout: 'NCHW', values: 'normalized' };
      throw new RangeError(
        `the example of a bundle runs the graph, whose parameters have our names, not those of ${String(names)}: leave out "names"`,
      );
    },
    examples: (preparation) => torchExample(format, preparation),
  };
}
