import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { DistilleryError } from '@distillery/spec';
import sharp from 'sharp';
import { type Header, pack } from 'tar-stream';
import { onTestFinished } from 'vitest';
import type { DatasetContext } from '../dataset.ts';

/** Creates a folder that is removed when the test ends. */
export async function temporaryFolder(): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'distillery-datasets-')));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Creates a context whose only root is `<folder>/data`. */
export async function contextIn(folder: string): Promise<DatasetContext> {
  await mkdir(join(folder, 'data'), { recursive: true });
  return { cacheDir: join(folder, 'cache'), roots: [join(folder, 'data')] };
}

/** A PNG of one colour. */
export function png(red: number, green: number, blue: number, width = 4, height = 3): Promise<Buffer> {
  const background = { r: red, g: green, b: blue };
  return sharp({ create: { width, height, channels: 3, background } })
    .png()
    .toBuffer();
}

export async function writeFiles(folder: string, files: Record<string, Buffer>): Promise<void> {
  for (const [name, bytes] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), bytes);
  }
}

export async function tarOf(
  entries: [string, Buffer | Partial<Header>][],
  { gzip = true }: { gzip?: boolean } = {},
): Promise<Buffer> {
  const archive = pack();
  for (const [name, content] of entries) {
    if (Buffer.isBuffer(content)) archive.entry({ name }, content);
    else archive.entry({ ...content, name });
  }
  archive.finalize();
  const parts: Buffer[] = [];
  for await (const part of archive) parts.push(part as Buffer);
  const bytes = Buffer.concat(parts);
  return gzip ? gzipSync(bytes) : bytes;
}

/** Returns the error of a promise; throws when the promise is fulfilled. */
export async function errorOf(promise: Promise<unknown>): Promise<DistilleryError> {
  const outcome = await promise.then(
    () => undefined,
    (error: DistilleryError) => error,
  );
  if (outcome === undefined) throw new Error('expected an error');
  return outcome;
}
