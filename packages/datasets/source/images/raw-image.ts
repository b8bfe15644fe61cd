/** The pixels of an image. */
export interface RawImage {
  width: number;
  height: number;
  /** 3 for red, green and blue; 4 with alpha. */
  channels: 3 | 4;
  /** `[height, width, channels]` */
  pixels: Uint8Array;
}
