import { z } from 'zod';
import type { TokenTransform } from './transform.ts';

const options = z.strictObject({
  probability: z.number().min(0).max(0.99).default(0.1).describe('The share of the tokens that are dropped.'),
});

/**
 * Token dropout (word dropout, Iyyer et al., ACL 2015, aclanthology.org/P15-1162): a dropped token becomes padding, id 0,
 * which networks ignore; the others keep their places. At least one token of a text stays.
 */
export const tokenDropout: TokenTransform<typeof options> = {
  type: 'token_dropout',
  summary: 'Replaces random tokens of texts by padding, which networks ignore.',
  reference: 'https://aclanthology.org/P15-1162/',
  options,
  changes: 'tokens',
  open:
    ({ probability }) =>
    (ids, stream, into) => {
      let left = 0;
      let tokens = 0;
      for (let i = 0; i < ids.length; i++) {
        const token = ids[i] !== 0;
        const kept = token && stream.uniform() >= probability;
        into[i] = kept ? ids[i] : 0;
        if (token) tokens++;
        if (kept) left++;
      }
      if (left > 0 || tokens === 0) return;
      // A text of no token has no meaning: one of them comes back.
      let chosen = stream.below(tokens);
      const place = ids.findIndex((id) => id !== 0 && chosen-- === 0);
      into[place] = ids[place];
    },
};
