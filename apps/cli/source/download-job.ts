import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '@distillery/client';
import type { Report } from '@distillery/spec';

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
): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const files: string[] = [];
  const write = async (name: string, content: Uint8Array | string) => {
    const path = join(folder, name);
    await writeFile(path, content);
    files.push(path);
  };
  await write('report.json', `${JSON.stringify(report, undefined, 2)}\n`);
  for (const { name } of report.teachers) {
    await write(`${name}.safetensors`, await (await client.jobs.download(id, { teacher: name })).bytes());
  }
  for (const { name, runs } of report.students) {
    for (const { seed } of runs) {
      await write(
        `${name}-seed${seed}.safetensors`,
        await (await client.jobs.download(id, { student: name, seed })).bytes(),
      );
    }
  }
  return files;
}
