import { z } from 'zod';

/** The license that a model card names. */
export const licenseParameter = z
  .string()
  .regex(/^[A-Za-z0-9.+-]{1,64}$/, "must be a license's identifier, such as apache-2.0")
  .default('unknown')
  .describe('The license of the weights, as Hugging Face names it, for example `apache-2.0`.');
