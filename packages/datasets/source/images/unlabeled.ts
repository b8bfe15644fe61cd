import { z } from 'zod';

/** The option of sources of images that may hold some without a class. */
export const unlabeledOptions = {
  unlabeled: z
    .enum(['use', 'ignore'])
    .optional()
    .describe(
      'What is done with the images of a folder `unlabeled` beside those of the splits: students learn from them by the terms that read no label (`use`, the default), or they are left out.',
    ),
};
export interface UnlabeledChoice {
  unlabeled?: 'use' | 'ignore' | undefined;
}
