/** Collects the mean and the standard deviation of each channel of images, in exact sums. */
export function channelStatistics(channels: number) {
  /** How often each value occurs in each channel: `[channels, 256]`. */
  const counts = new Float64Array(channels * 256);
  return {
    /** @param image `[height, width, channels]` */
    add(image: Uint8Array): void {
      for (let channel = 0; channel < channels; channel++) {
        const base = channel * 256;
        for (let i = channel; i < image.length; i += channels) counts[base + image[i]]++;
      }
    },
    /** For pixels in 0 to 1, rounded to four digits. The standard deviation of a channel of one value is 1. */
    normalization(): { mean: number[]; std: number[] } {
      const mean: number[] = [];
      const std: number[] = [];
      for (let channel = 0; channel < channels; channel++) {
        let [pixels, sum, squares] = [0, 0, 0];
        for (let value = 0; value < 256; value++) {
          const count = counts[channel * 256 + value];
          pixels += count;
          sum += count * value;
          squares += count * value * value;
        }
        const average = sum / pixels;
        mean.push(rounded(average / 255));
        std.push(rounded(Math.sqrt(Math.max(0, squares / pixels - average * average)) / 255) || 1);
      }
      return { mean, std };
    },
  };
}

function rounded(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}
