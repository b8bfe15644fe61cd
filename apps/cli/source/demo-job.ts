import { stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import type { JobSpecInput } from '@distillery/spec';

/** The data of the demo, and the folder that the service must be allowed to read for it. */
export interface DemoData {
  /** What the students train on. */
  dataset: JobSpecInput['dataset'];
  /** What the teacher trains on. */
  teacher: JobSpecInput['dataset'];
  root: string | undefined;
  /** A description for the terminal. */
  words: string;
}

/**
 * The teacher learns from more labeled images than its students, as where labels or time are short: that is where a teacher
 * knows more than the labels tell. Few enough that all train within minutes on two cores.
 */
const images = { teacher: 4000, student: 1000, test: 1000 };

/** Chooses the data. @param path an archive or an image folder, from `--data` */
export async function demoData(
  path: string | undefined,
  cifar10Reachable: () => Promise<boolean>,
): Promise<DemoData> {
  const limited = (trainLimit: number) => ({ trainLimit, testLimit: images.test });
  if (path !== undefined) {
    const full = resolve(path);
    const found = await stat(full).catch(() => undefined);
    if (found === undefined) throw new Error(`--data ${path}: there is no such file or folder`);
    const cifar = /^cifar-10-binary.*\.tar(\.gz)?$/.test(basename(full));
    const source = cifar ? 'cifar10' : 'image_folder';
    return {
      dataset: { source, path: full, ...limited(images.student) },
      teacher: { source, path: full, ...limited(images.teacher) },
      root: found.isDirectory() ? full : dirname(full),
      words: `${cifar ? 'CIFAR-10' : 'images'} from ${path}`,
    };
  }
  if (await cifar10Reachable()) {
    const source = 'cifar10';
    return {
      dataset: { source, ...limited(images.student) },
      teacher: { source, ...limited(images.teacher) },
      root: undefined,
      words: 'CIFAR-10',
    };
  }
  return {
    dataset: { source: 'shapes', trainCount: images.student, testCount: images.test },
    teacher: { source: 'shapes', trainCount: images.teacher, testCount: images.test },
    root: undefined,
    words: 'generated shapes (CIFAR-10 cannot be downloaded here; give a copy with --data PATH)',
  };
}

/**
 * Returns the demo's job: the tutorial's networks, a student that learns from the teacher's soft targets, and its control,
 * which learns from the labels. Both train five times as long as the teacher: they are ten times as fast, on a quarter of
 * the images.
 *
 * @param epochs the epochs of the teacher
 */
export function demoJob(
  { dataset, teacher }: Pick<DemoData, 'dataset' | 'teacher'>,
  epochs: number,
): JobSpecInput {
  return {
    name: 'demo',
    dataset,
    teacher: { architecture: { type: 'deepnn' }, dataset: teacher, training: { epochs } },
    students: [
      {
        name: 'soft_target',
        architecture: { type: 'lightnn' },
        method: [{ type: 'soft_target', temperature: 2, weight: 1 }],
      },
    ],
    seeds: [1, 2, 3],
    training: { epochs: 5 * epochs },
    validation: 0,
  };
}
