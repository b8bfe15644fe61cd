import { stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import type { JobSpecInput } from '@distillery/spec';

/** The data of the demo, and the folder that the service must be allowed to read for it. */
export interface DemoData {
  dataset: JobSpecInput['dataset'];
  root: string | undefined;
  /** A description for the terminal. */
  words: string;
}

/** Few enough that a teacher and four students train within minutes on two cores. */
const images = { train: 6000, test: 2000 };

/** Chooses the data. @param path an archive or an image folder, from `--data` */
export async function demoData(
  path: string | undefined,
  cifar10Reachable: () => Promise<boolean>,
): Promise<DemoData> {
  const limits = { trainLimit: images.train, testLimit: images.test };
  if (path !== undefined) {
    const full = resolve(path);
    const found = await stat(full).catch(() => undefined);
    if (found === undefined) throw new Error(`--data ${path}: there is no such file or folder`);
    const cifar = /^cifar-10-binary.*\.tar(\.gz)?$/.test(basename(full));
    return {
      dataset: { source: cifar ? 'cifar10' : 'image_folder', path: full, ...limits },
      root: found.isDirectory() ? full : dirname(full),
      words: `${cifar ? 'CIFAR-10' : 'images'} from ${path}`,
    };
  }
  if (await cifar10Reachable()) {
    return { dataset: { source: 'cifar10', ...limits }, root: undefined, words: 'CIFAR-10' };
  }
  return {
    dataset: { source: 'shapes', trainCount: images.train, testCount: images.test },
    root: undefined,
    words: 'generated shapes (CIFAR-10 cannot be downloaded here; give a copy with --data PATH)',
  };
}

/**
 * Returns a small version of the tutorial's experiment, with its networks, terms and weights. Students, including the
 * control, train for twice as many epochs as the teacher: they are ten times as fast, but learn more slowly.
 *
 * @param epochs the epochs of the teacher
 */
export function demoJob(dataset: DemoData['dataset'], epochs: number): JobSpecInput {
  const student = { architecture: { type: 'lightnn' }, training: { epochs: 2 * epochs } };
  const labels = { type: 'cross_entropy', weight: 0.75 };
  return {
    name: 'demo',
    dataset,
    teacher: { architecture: { type: 'deepnn' } },
    students: [
      {
        name: 'soft_target',
        ...student,
        method: [{ type: 'soft_target', temperature: 2, weight: 0.25 }, labels],
      },
      { name: 'cosine', ...student, method: [{ type: 'cosine', weight: 0.25 }, labels] },
      { name: 'regressor', ...student, method: [{ type: 'hint', weight: 0.25 }, labels] },
    ],
    training: { epochs },
  };
}
