import type { Outline } from './outlines.ts';

/** Height and width of an image in pixels. */
export const SIZE = 32;
export const CHANNELS = 3;

type Colour = [number, number, number];
type Uniform = () => number;

/**
 * The settings of an image, with colours in 0 to 255. They were chosen by training on 10,000 images for five epochs (Adam,
 * 1e-3, batches of 128): on 2,000 test images a linear model is right for 27 %, the small network of PyTorch's
 * knowledge-distillation tutorial for 81 %, and its deep one for 94 %.
 */
const DIFFICULTY = {
  /** The radius, in pixels, of the disc with the shape's area. */
  radius: [7, 9.5],
  /** The largest rotation from upright in both directions, in radians. */
  turn: 0.25,
  /** The distance of the colours of shape and strokes from the background's. */
  contrast: [80, 150],
  texture: 14,
  strokes: [1, 3],
  noise: 8,
} as const;

/**
 * Renders one image, `[32, 32, 3]`, into `target` at `offset`: a textured background, strokes behind and in front, and the
 * outline at a random place and with a small rotation. Colours do not depend on the class.
 */
export function drawImage(outline: Outline, random: Uniform, target: Uint8Array, offset: number): void {
  const canvas = new Float32Array(SIZE * SIZE * CHANNELS);
  const base: Colour = [between(random, 70, 185), between(random, 70, 185), between(random, 70, 185)];
  paintBackground(canvas, base, random);
  const strokes = Math.floor(between(random, DIFFICULTY.strokes[0], DIFFICULTY.strokes[1] + 1));
  for (let i = 0; i < strokes; i++) if (i % 2 === 0) paintStroke(canvas, base, random);
  paintShape(canvas, outline, base, random);
  for (let i = 0; i < strokes; i++) if (i % 2 === 1) paintStroke(canvas, base, random);
  // xorshift32 (Marsaglia, 2003) in a local variable: 3072 calls of a closure would cost more than the rest.
  let state = Math.floor(random() * 2 ** 31) | 1;
  for (let i = 0; i < canvas.length; i++) {
    // The sum of a number's four bytes is nearly normal, with mean 510 and standard deviation 147.8.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const bits = Math.imul(state, 0x9e3779b1);
    const sum = (bits & 255) + ((bits >>> 8) & 255) + ((bits >>> 16) & 255) + (bits >>> 24);
    const noise = ((sum - 510) / 147.8) * DIFFICULTY.noise;
    target[offset + i] = Math.max(0, Math.min(255, Math.round(canvas[i] + noise)));
  }
}

/** Paints two gratings and a coarse random lattice, each along another direction of colour. */
function paintBackground(canvas: Float32Array, base: Colour, random: Uniform): void {
  const first = grating(random);
  const second = grating(random);
  const lattice = Float32Array.from({ length: 36 }, () => random() * 2 - 1);
  const stain = direction(random, DIFFICULTY.texture);
  for (let y = 0, at = 0; y < SIZE; y++) {
    for (let x = 0; x < SIZE; x++) {
      const wave1 = Math.sin(x * first.x + y * first.y + first.phase);
      const wave2 = Math.sin(x * second.x + y * second.y + second.phase);
      const cloud = bilinear(lattice, (x * 5) / SIZE, (y * 5) / SIZE);
      for (let c = 0; c < CHANNELS; c++, at++) {
        canvas[at] = base[c] + wave1 * first.colour[c] + wave2 * second.colour[c] + cloud * stain[c];
      }
    }
  }
}

function grating(random: Uniform) {
  const angle = random() * Math.PI;
  const frequency = between(random, 0.15, 0.9);
  return {
    x: Math.cos(angle) * frequency,
    y: Math.sin(angle) * frequency,
    phase: random() * 2 * Math.PI,
    colour: direction(random, random() * DIFFICULTY.texture),
  };
}

function paintShape(canvas: Float32Array, outline: Outline, base: Colour, random: Uniform): void {
  const radius = between(random, ...DIFFICULTY.radius);
  const reach = radius * 1.6 + 1;
  const margin = radius * 1.15;
  const cx = between(random, margin, SIZE - margin);
  const cy = between(random, margin, SIZE - margin);
  const angle = -Math.PI / 2 + between(random, -DIFFICULTY.turn, DIFFICULTY.turn);
  const cos = Math.cos(angle) / radius;
  const sin = Math.sin(angle) / radius;
  const colour = add(base, lighter(direction(random, between(random, ...DIFFICULTY.contrast))));
  const shade = direction(random, 18);
  paint(canvas, cx - reach, cy - reach, cx + reach, cy + reach, (x, y) => {
    const dx = x - cx;
    const dy = y - cy;
    const u = dx * cos + dy * sin;
    const v = dy * cos - dx * sin;
    return { cover: 0.5 - outline(u, v) * radius, colour, shade, light: u };
  });
}

/** Paints a thin straight line with about the contrast of the shape. */
function paintStroke(canvas: Float32Array, base: Colour, random: Uniform): void {
  const ax = random() * SIZE;
  const ay = random() * SIZE;
  const angle = random() * 2 * Math.PI;
  const length = between(random, 5, 18);
  const ex = Math.cos(angle) * length;
  const ey = Math.sin(angle) * length;
  const half = between(random, 0.4, 1.1);
  const colour = add(base, lighter(direction(random, between(random, ...DIFFICULTY.contrast))));
  const shade: Colour = [0, 0, 0];
  const [left, right] = ax < ax + ex ? [ax, ax + ex] : [ax + ex, ax];
  const [top, bottom] = ay < ay + ey ? [ay, ay + ey] : [ay + ey, ay];
  paint(canvas, left - 2, top - 2, right + 2, bottom + 2, (x, y) => {
    const along = Math.min(1, Math.max(0, ((x - ax) * ex + (y - ay) * ey) / (length * length)));
    const dx = x - ax - ex * along;
    const dy = y - ay - ey * along;
    return { cover: 0.5 - (Math.sqrt(dx * dx + dy * dy) - half), colour, shade, light: 0 };
  });
}

interface Touch {
  /** The covered share of the pixel; clamped to 0 to 1. */
  cover: number;
  colour: Colour;
  /** A colour that is added, times `light`. */
  shade: Colour;
  light: number;
}

function paint(
  canvas: Float32Array,
  left: number,
  top: number,
  right: number,
  bottom: number,
  touch: (x: number, y: number) => Touch,
): void {
  for (let y = Math.max(0, Math.floor(top)); y < Math.min(SIZE, bottom); y++) {
    for (let x = Math.max(0, Math.floor(left)); x < Math.min(SIZE, right); x++) {
      const { cover, colour, shade, light } = touch(x + 0.5, y + 0.5);
      if (cover <= 0) continue;
      const opacity = Math.min(1, cover);
      for (let c = 0, at = (y * SIZE + x) * CHANNELS; c < CHANNELS; c++, at++) {
        canvas[at] = canvas[at] * (1 - opacity) + (colour[c] + shade[c] * light) * opacity;
      }
    }
  }
}

function between(random: Uniform, low: number, high: number): number {
  return low + random() * (high - low);
}

/** A vector of the given length in a random direction of colour space. */
function direction(random: Uniform, length: number): Colour {
  const z = random() * 2 - 1;
  const angle = random() * 2 * Math.PI;
  const flat = Math.sqrt(1 - z * z) * length;
  return [flat * Math.cos(angle), flat * Math.sin(angle), z * length];
}

/** Returns the lighter one of a colour step and its opposite: shapes of all classes are lighter than the background. */
function lighter(step: Colour): Colour {
  return step[0] + step[1] + step[2] < 0 ? [-step[0], -step[1], -step[2]] : step;
}

function add(a: Colour, b: Colour): Colour {
  return [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
}

/** Interpolates a lattice of 6 × 6 values at 0 <= x, y < 5. */
function bilinear(lattice: Float32Array, x: number, y: number): number {
  const x0 = Math.floor(x);
  const y0 = Math.floor(y);
  const fx = x - x0;
  const fy = y - y0;
  const at = y0 * 6 + x0;
  const top = lattice[at] * (1 - fx) + lattice[at + 1] * fx;
  const bottom = lattice[at + 6] * (1 - fx) + lattice[at + 7] * fx;
  return top * (1 - fy) + bottom * fy;
}
