/** A format of images that is decoded. */
interface ImageFormat {
  name: string;
  /** The extensions of its files, in lower case. */
  extensions: readonly string[];
  /** Whether a file is of this format, by its first 16 bytes. */
  matches(head: Buffer): boolean;
}

const begins =
  (...starts: readonly string[]) =>
  (head: Buffer) =>
    starts.some((start) => head.subarray(0, start.length).equals(Buffer.from(start, 'latin1')));

const formats: readonly ImageFormat[] = [
  { name: 'JPEG', extensions: ['jpg', 'jpeg'], matches: begins('\xff\xd8\xff') },
  { name: 'PNG', extensions: ['png'], matches: begins('\x89PNG') },
  {
    name: 'WebP',
    extensions: ['webp'],
    matches: (head) => begins('RIFF')(head) && begins('WEBP')(head.subarray(8)),
  },
  { name: 'GIF', extensions: ['gif'], matches: begins('GIF8') },
  { name: 'TIFF', extensions: ['tif', 'tiff'], matches: begins('II*\0', 'MM\0*', 'II+\0', 'MM\0+') },
  { name: 'AVIF', extensions: ['avif'], matches: (head) => begins('ftypavi')(head.subarray(4)) },
  { name: 'BMP', extensions: ['bmp', 'dib'], matches: begins('BM') },
];

/** The extensions of all formats. */
export const imageExtensions = formats.flatMap(({ extensions }) => extensions);

/** The name of the format that the first bytes of a file tell; undefined for another one. */
export function imageFormat(bytes: Buffer): string | undefined {
  const head = bytes.subarray(0, 16);
  return formats.find(({ matches }) => matches(head))?.name;
}

/** Counts the images whose names end in the extension of another format than their content has. */
export function misnamedImages() {
  let count = 0;
  let first: { name: string; format: string } | undefined;
  return {
    see(name: string, bytes: Buffer): void {
      const format = imageFormat(bytes);
      const extension = name.slice(name.lastIndexOf('.') + 1).toLowerCase();
      const named = formats.find(({ extensions }) => extensions.includes(extension));
      if (format === undefined || named === undefined || named.name === format) return;
      count++;
      // The smallest name, as images come in any order.
      if (first === undefined || name < first.name) first = { name, format };
    },
    notes(): string[] {
      if (first === undefined) return [];
      const images = count === 1 ? '1 image is' : `${count} images are`;
      return [
        `${images} of another format than the name says, and decoded by the content: ${first.name} is a ${first.format} file`,
      ];
    },
  };
}
