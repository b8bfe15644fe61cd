import { z } from 'zod';
import { adjustBrightness, adjustContrast, adjustSaturation, turnHue } from './pixels/color.ts';
import type { PixelTransform } from './transform.ts';

const strength = (what: string) =>
  z
    .number()
    .min(0)
    .max(10)
    .default(0.4)
    .describe(`The factor of the ${what} is uniform between max(0, 1 − this) and 1 + this.`);

const options = z.strictObject({
  brightness: strength('brightness'),
  contrast: strength('contrast'),
  saturation: strength('saturation'),
  hue: z
    .number()
    .min(0)
    .max(0.5)
    .default(0.1)
    .describe('The hue turns by up to this share of the circle, either way.'),
});

/**
 * Colour jitter as torchvision's `ColorJitter` computes it: the four changes in a random order, each with a random factor.
 * Saturation and hue leave images as they are that do not have three channels.
 */
export const colorJitter: PixelTransform<typeof options> = {
  type: 'color_jitter',
  summary: 'Changes brightness, contrast, saturation and hue by random factors, in a random order.',
  reference: 'https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.ColorJitter.html',
  options,
  changes: 'pixels',
  open({ brightness, contrast, saturation, hue }, [, , channels]) {
    const changes = [
      [adjustBrightness, Math.max(0, 1 - brightness), 1 + brightness],
      [adjustContrast, Math.max(0, 1 - contrast), 1 + contrast],
      [adjustSaturation, Math.max(0, 1 - saturation), 1 + saturation],
      [turnHue, -hue, hue],
    ] as const;
    return (image, stream, into) => {
      into.set(image);
      for (const [adjust, least, most] of stream.shuffle([...changes])) {
        const factor = least + (most - least) * stream.uniform();
        // Without a range the change would be none.
        if (least < most) adjust(into, channels, factor, into);
      }
    };
  },
};
