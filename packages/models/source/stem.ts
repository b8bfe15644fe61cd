import { z } from 'zod';

/** The option of networks for large images that says how they begin. @param small what the beginning for small images is */
export function stemOption(small: string) {
  return z
    .enum(['imagenet', 'small'])
    .default('imagenet')
    .describe(
      `How the network begins: "imagenet" as published, for images of about 224×224; "small", for images of about 32×32, with ${small}.`,
    );
}
