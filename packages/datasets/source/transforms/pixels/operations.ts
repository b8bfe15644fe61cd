import type { RandomStream } from '@distillery/engine/random';
import { adjustBrightness, adjustContrast, adjustSaturation, adjustSharpness } from './color.ts';
import { autoContrast, equalize, lookUp, posterize, solarize } from './tables.ts';
import { type AffineMap, rotation, type Sampling, shearX, shearY, translation, warp } from './warp.ts';

/** The largest magnitude of each operation; the strength of an operation, 0 to 1, is a share of it. */
export interface Ranges {
  /** Pixels that a row or column moves, for each pixel of distance. */
  shear: number;
  /** Pixels. */
  translateX: number;
  translateY: number;
  /** Degrees. */
  rotate: number;
  /** The distance of the factors of brightness, colour, contrast and sharpness from 1. */
  factor: number;
  /** The bits that posterising removes. */
  bits: number;
}

/** @param into another array than the image */
type Apply = (image: Uint8Array, strength: number, into: Uint8Array) => void;

interface Operation {
  /** Whether a negative strength changes images the other way. */
  signed: boolean;
  apply: Apply;
}

/**
 * The 14 operations of RandAugment and TrivialAugment, as torchvision computes them, in its order.
 *
 * @param shape `[height, width, channels]`
 */
export function operations(shape: readonly number[], ranges: Ranges, sampling: Sampling): Operation[] {
  const [, , channels] = shape;
  const moved =
    (mapOf: (strength: number) => AffineMap): Apply =>
    (image, strength, into) =>
      warp(image, shape, mapOf(strength), sampling, into);
  const factor = (strength: number) => 1 + ranges.factor * strength;
  const both = (apply: Apply) => ({ signed: true, apply });
  const one = (apply: Apply) => ({ signed: false, apply });
  return [
    one((image, _strength, into) => into.set(image)),
    both(moved((strength) => shearX(ranges.shear * strength))),
    both(moved((strength) => shearY(ranges.shear * strength))),
    both(moved((strength) => translation(Math.trunc(ranges.translateX * strength), 0))),
    both(moved((strength) => translation(0, Math.trunc(ranges.translateY * strength)))),
    both(moved((strength) => rotation(ranges.rotate * strength, shape))),
    both((image, strength, into) => adjustBrightness(image, channels, factor(strength), into)),
    both((image, strength, into) => adjustSaturation(image, channels, factor(strength), into)),
    both((image, strength, into) => adjustContrast(image, channels, factor(strength), into)),
    both((image, strength, into) => adjustSharpness(image, shape, factor(strength), into)),
    one((image, strength, into) =>
      lookUp(image, channels, posterize(8 - Math.round(ranges.bits * strength)), into),
    ),
    one((image, strength, into) => lookUp(image, channels, solarize(255 * (1 - strength)), into)),
    one((image, _strength, into) => lookUp(image, channels, autoContrast(image, channels), into)),
    one((image, _strength, into) => lookUp(image, channels, equalize(image, channels), into)),
  ];
}

/**
 * Applies an operation that is chosen at random, in a random direction.
 *
 * @param strength 0 to 1
 */
export function applyAny(
  all: readonly Operation[],
  image: Uint8Array,
  strength: number,
  stream: RandomStream,
  into: Uint8Array,
): void {
  const { signed, apply } = all[stream.below(all.length)];
  apply(image, signed && stream.below(2) === 1 ? -strength : strength, into);
}
