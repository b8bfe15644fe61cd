import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '@distillery/client';
import type { Report } from '@distillery/spec';

/** The format of the files, and its options; default: the format that the service stores. */
export interface FileChoice {
  format?: string | undefined;
  options?: Readonly<Record<string, string>>;
}

/**
 * Downloads the weights of a finished job (best epoch of every teacher and student) and its report.
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
  await mkdir(folder, { recursive: true });
  const files: string[] = [];
  const write = async (name: string, content: Uint8Array | string) => {
    const path = join(folder, name);
    await writeFile(path, content);
    files.push(path);
  };
  await write('report.json', `${JSON.stringify(report, undefined, 2)}\n`);
  for (const { name } of report.teachers) {
    await write(
      `${name}.${extension}`,
      await (await client.jobs.download(id, { teacher: name, ...choice })).bytes(),
    );
  }
  for (const { name, runs } of report.students) {
    for (const { seed } of runs) {
      await write(
        `${name}-seed${seed}.${extension}`,
        await (await client.jobs.download(id, { student: name, seed, ...choice })).bytes(),
      );
    }
  }
  return files;
}

/** The extension of a format's files. An unknown format is left to the API, which names those that it has. */
async function extensionOf(client: Client, format?: string): Promise<string> {
  const formats = await client.formats.list();
  const found = format === undefined ? formats[0] : formats.find(({ type }) => type === format);
  return found?.extension ?? 'weights';
}
