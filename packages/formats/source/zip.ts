import { DistilleryError } from '@distillery/spec';
import { type UnzipFileInfo, unzipSync } from 'fflate';

/** What the files of an archive may have together when they are unpacked: more than the largest network that is trained here. */
const mostBytes = 16 * 2 ** 30;
/** How far compression may shrink a file. Weights hardly compress; an archive that shrinks further is a trap. */
const largestRatio = 200;

const isFile = (name: string) => !name.endsWith('/');

/** Returns the names of a zip archive without unpacking it. Throws as `unpacked` does. */
export function namesIn(bytes: Uint8Array): string[] {
  const names: string[] = [];
  unpacked(bytes, (name) => {
    names.push(name);
    return false;
  });
  return names;
}

/**
 * Unpacks a zip archive into its files by name.
 *
 * @param wanted which names to unpack; default: those of files
 * @throws DistilleryError `artifact_corrupt` for bytes that are no archive, a damaged one, or one that would become too large
 */
export function unpacked(bytes: Uint8Array, wanted = isFile): Map<string, Uint8Array> {
  let total = 0;
  const check = ({ name, size, originalSize }: UnzipFileInfo) => {
    total += originalSize;
    if (originalSize > largestRatio * (size + 1024) || total > mostBytes) {
      throw new DistilleryError(
        'artifact_corrupt',
        `the archive's file ${name} would take ${originalSize} bytes when it is unpacked, which is too much`,
      );
    }
    return wanted(name);
  };
  try {
    return new Map(Object.entries(unzipSync(bytes, { filter: check })));
  } catch (cause) {
    if (cause instanceof DistilleryError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DistilleryError('artifact_corrupt', `the file is no zip archive that can be read: ${reason}`, {
      cause,
    });
  }
}
