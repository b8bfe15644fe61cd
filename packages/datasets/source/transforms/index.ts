/**
 * Transforms by name. The batch thread imports this file only for runs with an augmentation, because every trainer waits for
 * its start; nothing here may import TensorFlow.js or sharp.
 */
import { registry } from '@distillery/spec';
import { crop } from './crop.ts';
import { cropFlip } from './crop-flip.ts';
import { colorJitter } from './color-jitter.ts';
import { cutmix } from './cutmix.ts';
import { flip } from './flip.ts';
import { mixup } from './mixup.ts';
import { randAugment } from './rand-augment.ts';
import { randomErasing } from './random-erasing.ts';
import { randomResizedCrop } from './random-resized-crop.ts';
import { tokenDropout } from './token-dropout.ts';
import type { Transform } from './transform.ts';
import { trivialAugment } from './trivial-augment.ts';

export type { Changed, Transform } from './transform.ts';

/** The transforms of training samples. A job lists them as `{"augmentation": {"transforms": [{"type": "flip"}]}}`. */
export const transforms = registry<Transform>(
  [
    flip,
    crop,
    cropFlip,
    randomResizedCrop,
    colorJitter,
    randAugment,
    trivialAugment,
    randomErasing,
    mixup,
    cutmix,
    tokenDropout,
  ],
  'type',
  ({ changes }) => ({ changes }),
);
