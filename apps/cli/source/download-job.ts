import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client, WeightsChoice } from '@distillery/client';
import type { Report } from '@distillery/spec';
import { saveFile } from './save-file.ts';

/** The format of the files, and its options; default: the format that the service stores. */
export interface FileChoice {
  format?: string | undefined;
  options?: Readonly<Record<string, string>>;
}

/**
 * Downloads the weights of a finished job (best epoch of every teacher and student) and its report. Weights go to the disk as
 * they come, and are checked against their digests.
 *
 * @returns the files written
 */
export async function downloadJob(
  client: Client,
  id: string,
  folder: string,
  report: Report,
  choice: FileChoice = {},
): Promise<string[]> {
  const extension = await extensionOf(client, choice.format);
  const files = [await saveReport(folder, report)];
  const save = async (name: string, network: WeightsChoice) => {
    const path = join(folder, `${name}.${extension}`);
    await saveFile(path, await client.jobs.download(id, { ...network, ...choice }));
    files.push(path);
  };
  for (const { name } of report.teachers) await save(name, { teacher: name });
  for (const { name, runs } of report.students)
    for (const { seed } of runs) await save(`${name}-seed${seed}`, { student: name, seed });
  return files;
}

/**
 * Downloads bundles of the students of a finished job (best epoch of every seed), and its report.
 *
 * @returns the files written
 */
export async function downloadBundles(
  client: Client,
  id: string,
  folder: string,
  report: Report,
  { format = 'onnx', ...choice }: FileChoice & { license?: string | undefined },
): Promise<string[]> {
  const files = [await saveReport(folder, report)];
  for (const { name, runs } of report.students) {
    for (const { seed } of runs) {
      const path = join(folder, `${name}-seed${seed}-${format}.zip`);
      await saveFile(path, await client.jobs.bundle(id, { student: name, seed, format, ...choice }));
      files.push(path);
    }
  }
  return files;
}

async function saveReport(folder: string, report: Report): Promise<string> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, 'report.json');
  await writeFile(path, `${JSON.stringify(report, undefined, 2)}\n`);
  return path;
}

/** The extension of a format's files. An unknown format is left to the API, which names those that it has. */
async function extensionOf(client: Client, format?: string): Promise<string> {
  const formats = await client.formats.list();
  const found = format === undefined ? formats[0] : formats.find(({ type }) => type === format);
  return found?.extension ?? 'weights';
}
