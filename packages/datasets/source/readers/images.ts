import { DistilleryError } from '@distillery/spec/errors';
import type { ImageTarget } from '../images/image-options.ts';
import { type PackedTexts, textAt } from '../images/packed-texts.ts';
import type { ReaderDescription, ReaderHooks, ReaderKind } from './reader.ts';
import { openKeptRows } from './kept-rows.ts';

/** Images that are decoded when they are read. */
export interface EncodedImages extends ReaderDescription {
  kind: 'images';
  /** The archive that the images are in; absent: each is a file. */
  archive?: string;
  /** The names of the images, for messages. */
  names: PackedTexts;
  /** Where each image is. */
  places: PackedTexts;
  /** `[count]`: images with equal numbers, which are of one class, stand in for each other. */
  alike: Int32Array;
  target: ImageTarget;
  /** The file that keeps decoded images, of which it has room for the first `rows`. */
  kept?: { path: string; rows: number };
}

/** Fewer failures than this say nothing about all images. */
const tellingFailures = 16;

/**
 * Decodes images as they are needed, several at a time, and keeps them decoded on the disk as far as there is room. In place of an
 * image that cannot be decoded, the next one of its class is read: an input depends on its index alone, as with every reader.
 */
export const images: ReaderKind<EncodedImages> = {
  type: 'images',
  async open(description, _openReader, hooks) {
    // The batch thread imports this file when it starts: what decodes is loaded with the first data set that needs it.
    const { decodeImage, DECODES_AT_ONCE } = await import('../images/decode-image.ts');
    const { openPlaces } = await import('../images/image-places.ts');
    const { archive, bytes, kept, places, target } = description;
    const opened = await openPlaces(archive);
    const rows = kept && openKeptRows(kept.path, bytes, kept.rows);
    const next = replacements(description, hooks);
    /** Decodes an image, or the one that stands in for it. */
    const decode = async (index: number): Promise<{ pixels: Uint8Array; own: boolean }> => {
      for (let at = index; ; ) {
        try {
          const pixels = await decodeImage(await opened.read(textAt(places, at)), target);
          next.decoded();
          return { pixels, own: at === index };
        } catch (error) {
          if (error instanceof DistilleryError) throw error;
          at = next.after(at, index, error as Error);
        }
      }
    };
    return {
      async read(indices, into) {
        const wanted = [...indices.keys()].filter(
          (place) => rows?.read(indices[place], into, place) !== true,
        );
        let from = 0;
        const work = async () => {
          while (from < wanted.length) {
            const place = wanted[from++];
            const { pixels, own } = await decode(indices[place]);
            into.set(pixels, place * bytes);
            if (own) rows?.write(indices[place], pixels);
          }
        };
        await Promise.all(Array.from({ length: DECODES_AT_ONCE }, work));
      },
      close() {
        rows?.close();
        opened.close();
      },
    };
  },
};

/** Chooses the images that stand in for others, and ends the reading where too many need one. */
function replacements({ names, alike, count }: EncodedImages, { skipped }: ReaderHooks) {
  const failed = new Map<number, string>();
  let good = 0;
  return {
    decoded() {
      good++;
    },
    /** The image to try after `at`, in place of the image `first`. */
    after(at: number, first: number, { message }: Error): number {
      if (!failed.has(at)) {
        failed.set(at, message);
        skipped?.(textAt(names, at), message);
      }
      if (failed.size >= tellingFailures && failed.size > good) throw refusal('more than half of the images');
      let next = at;
      do next = (next + 1) % count;
      while (alike[next] !== alike[first]);
      if (next === first) throw refusal('no image of a class');
      return next;
    },
  };

  function refusal(what: string): DistilleryError {
    const [[index, reason]] = failed;
    const share = what.startsWith('no') ? 'could be decoded' : 'could not be decoded';
    return new DistilleryError(
      'data_error',
      `${what} ${share}, for example ${textAt(names, index)}: ${reason}`,
    );
  }
}
