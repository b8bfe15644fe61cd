import type { FileHandle } from 'node:fs/promises';
import { type DatasetContext, openRegularFile, resolveSourcePath, sha256OfFile } from '@distillery/datasets';
import { inFloat32, readTensors } from '@distillery/formats';
import { DistilleryError, sha256 } from '@distillery/spec';
import type { GivenArray, TeacherFiles } from '@distillery/teachers';
import { parquetArrays } from './parquet-arrays.ts';

/** Larger files are refused before they are read: reading takes their size in memory. */
const mostBytes = 2 * 2 ** 30;

/** Reads the files that teachers name, in the folders that jobs may read and in the artifact store. */
export function teacherFiles(context: DatasetContext): TeacherFiles {
  return {
    bytes: (path) =>
      opened(path, async (file) => {
        const bytes = await file.readFile();
        return { digest: sha256(bytes), bytes };
      }),
    arrays: (path) =>
      opened(path, async (file, size, local) => {
        const start = new Uint8Array(4);
        await file.read(start, 0, 4, 0);
        if (Buffer.from(start).toString('latin1') === 'PAR1') {
          return { digest: await sha256OfFile(local), size, arrays: await parquetArrays(local) };
        }
        const bytes = await file.readFile();
        return { digest: sha256(bytes), size, arrays: arraysIn(bytes) };
      }),
  };

  async function opened<Found>(
    path: string,
    read: (file: FileHandle, size: number, local: string) => Promise<Found>,
  ): Promise<Found> {
    const local = await resolveSourcePath(path, context);
    const file = await openRegularFile(local);
    try {
      const { size } = await file.stat();
      if (size > mostBytes) throw new RangeError(`has ${size} bytes, expected at most ${mostBytes}`);
      return await read(file, size, local);
    } finally {
      await file.close();
    }
  }
}

function arraysIn(bytes: Uint8Array): Map<string, GivenArray> {
  try {
    return new Map(
      readTensors(bytes).map(({ name, dtype, shape, data }) => {
        const whole = dtype === 'I64' || dtype === 'I32' || dtype === 'U8';
        const numbers = whole ? Array.from(data, Number) : inFloat32({ name, dtype, data });
        return [name, { shape, data: numbers }] as const;
      }),
    );
  } catch (error) {
    if (!(error instanceof DistilleryError)) throw error;
    throw new RangeError(`is none of NPZ, safetensors and Parquet that can be read: ${error.message}`, {
      cause: error,
    });
  }
}
