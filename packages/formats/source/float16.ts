/**
 * IEEE 754 binary16 by tables, after J. van der Zijp, "Fast Half Float Conversions" (2008). His narrowing
 * truncates; here it rounds to the nearest, ties to even, as numpy, PyTorch and the hardware do.
 */

const quietBit = 0x0200;
const infinity = 0x7c00;

// Narrowing, by the sign and exponent bits (9) of a float32: what to add, and how far to shift its significand.
const base = new Uint16Array(512);
const shift = new Uint8Array(512);

// Widening, by the sign and exponent bits (6) of a float16: where its significand's row starts, and what to add.
const mantissaBits = new Uint32Array(2048);
const rowStart = new Uint16Array(64);
const exponentBits = new Uint32Array(64);

fillNarrowing();
fillWidening();

/**
 * Rounds each element to binary16. Magnitudes from 65,520 become an infinity, below 2^-25 (and at it) a zero that
 * keeps its sign. A NaN stays one, with the upper bits of its payload.
 */
export function toFloat16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  for (let index = 0; index < bits.length; index++) {
    const word = bits[index];
    if ((word & 0x7fffffff) > 0x7f800000) {
      const payload = (word >>> 13) & 0x3ff;
      out[index] = ((word >>> 16) & 0x8000) | infinity | (payload === 0 ? quietBit : payload);
      continue;
    }
    const row = word >>> 23;
    const places = shift[row];
    const significand = (word & 0x7fffff) | 0x800000;
    const halfMinusOne = (1 << (places - 1)) - 1;
    // A carry out of the significand steps the exponent up, to infinity after the largest: just what rounding asks.
    out[index] = base[row] + ((significand + halfMinusOne + ((significand >>> places) & 1)) >>> places);
  }
  return out;
}

/**
 * Widens binary16 bits, which is exact, NaN payloads included.
 * @param out where to write, from its start; a new array of the same length where absent.
 * @throws RangeError where `out` is shorter than the input.
 */
export function fromFloat16(
  halves: Uint16Array,
  out: Float32Array = new Float32Array(halves.length),
): Float32Array {
  if (out.length < halves.length) {
    throw new RangeError(`out holds ${out.length} elements, fewer than the ${halves.length} to widen`);
  }
  // Written as bits: as numbers, some engines would change the payload of a NaN.
  const bits = new Uint32Array(out.buffer, out.byteOffset, out.length);
  for (let index = 0; index < halves.length; index++) {
    const half = halves[index];
    const row = half >>> 10;
    bits[index] = mantissaBits[rowStart[row] + (half & 0x3ff)] + exponentBits[row];
  }
  return out;
}

function fillNarrowing(): void {
  for (let exponent = 0; exponent < 256; exponent++) {
    const half = exponent - 127 + 15;
    let add = 0;
    // Shifting a 24-bit significand by 25 rounds all of it away.
    let places = 25;
    if (half >= 31) {
      add = infinity;
    } else if (half >= 1) {
      // One exponent less, for the significand's leading bit lands on it.
      add = (half - 1) << 10;
      places = 13;
    } else if (half >= -10) {
      places = 14 - half;
    }
    base[exponent] = add;
    base[exponent + 256] = add | 0x8000;
    shift[exponent] = places;
    shift[exponent + 256] = places;
  }
}

function fillWidening(): void {
  for (let significand = 1; significand < 1024; significand++) {
    // Subnormal: significand x 2^-24, with its leading bit moved up to the implicit place.
    const zeros = Math.clz32(significand) - 21;
    mantissaBits[significand] = ((113 - zeros) << 23) | ((significand << (13 + zeros)) & 0x7fffff);
  }
  for (let significand = 0; significand < 1024; significand++)
    mantissaBits[1024 + significand] = significand << 13;

  for (let exponent = 0; exponent < 32; exponent++) {
    const widened = exponent === 0 ? 0 : exponent === 31 ? 255 : exponent - 15 + 127;
    exponentBits[exponent] = widened << 23;
    exponentBits[exponent + 32] = (widened << 23) | 0x80000000;
    rowStart[exponent] = exponent === 0 ? 0 : 1024;
    rowStart[exponent + 32] = rowStart[exponent]!;
  }
}
