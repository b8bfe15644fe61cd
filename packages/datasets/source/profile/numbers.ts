/** Sums up the pixels of images, channel by channel. */
export function pixelStatistics(channels: number) {
  const counts = Array.from({ length: channels }, () => new Float64Array(256));
  return {
    /** @param pixels `[height, width, channels]`, bytes */
    add(pixels: Uint8Array): void {
      for (let at = 0; at < pixels.length; at += channels)
        for (let channel = 0; channel < channels; channel++) counts[channel][pixels[at + channel]]++;
    },
    /** Mean and standard deviation of each channel, of pixels from 0 to 1. */
    result(): { mean: number; std: number }[] {
      return counts.map((of) => {
        const total = of.reduce((sum, count) => sum + count, 0) || 1;
        const mean = of.reduce((sum, count, value) => sum + count * value, 0) / total;
        const variance = of.reduce((sum, count, value) => sum + count * (value - mean) ** 2, 0) / total;
        return { mean: mean / 255, std: Math.sqrt(variance) / 255 };
      });
    },
  };
}

/**
 * Measures the columns of standardised rows, in the numbers of the file. A constant column is standardised by 1, which hides that it
 * is constant.
 */
export function columnStatistics(columns: readonly { name: string; mean: number; std: number }[]) {
  const squares = new Float64Array(columns.length);
  let rows = 0;
  return {
    /** @param numbers `[columns]`, with mean 0 */
    add(numbers: Float32Array): void {
      rows++;
      for (let column = 0; column < squares.length; column++) squares[column] += numbers[column] ** 2;
    },
    result: () =>
      columns.map(({ name, mean, std }, column) => ({
        name,
        mean: withoutRounding(mean, std),
        std: std * Math.sqrt(squares[column] / Math.max(1, rows)),
      })),
  };
}

/** Returns 0 for what is left of it by rounding, measured by the deviation of its column, and otherwise six digits of a number. */
export function withoutRounding(value: number, std: number): number {
  return Math.abs(value) < 1e-5 * std ? 0 : Number(value.toPrecision(6));
}

/** Counts the tokens of texts; padding is id 0, and follows a text. */
export function textLengths() {
  let [texts, tokens, longest, empty] = [0, 0, 0, 0];
  return {
    add(ids: Uint16Array): void {
      let length = ids.length;
      while (length > 0 && ids[length - 1] === 0) length--;
      texts++;
      tokens += length;
      longest = Math.max(longest, length);
      if (length === 0) empty++;
    },
    result: () => ({ mean: texts === 0 ? 0 : tokens / texts, longest, empty }),
  };
}
