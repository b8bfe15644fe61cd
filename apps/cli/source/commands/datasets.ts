import { openAsBlob } from 'node:fs';
import { basename } from 'node:path';
import type { DatasetDescription, StoredDataset } from '@distillery/client';
import { bar } from '../bar.ts';
import { newCommand } from '../command.ts';
import { datasetsTable, datasetText } from '../dataset-text.ts';
import { exitCodes } from '../exit-codes.ts';
import { UsageError } from '../failure.ts';
import { bytes, percent } from '../format.ts';
import { liveRegion } from '../live-region.ts';
import { clientAction, clientCommand } from '../run-command.ts';

export const datasets = () =>
  newCommand('datasets')
    .alias('dataset')
    .summary('upload data sets, and see what is in them')
    .description('Manages data sets that are uploaded: jobs name them by id.')
    .addCommand(list(), { isDefault: true })
    .addCommand(add())
    .addCommand(show())
    .addCommand(remove());

const list = () =>
  clientCommand('list')
    .summary('list the data sets (default)')
    .description('Lists your data sets, the newest first.')
    .option('--json', 'print them as JSON')
    .action(
      clientAction(async ({ client, print }, { json }: { json?: boolean }) => {
        const found = await client.datasets.list();
        if (json) return print(JSON.stringify(found, undefined, 2));
        print(
          found.length > 0
            ? datasetsTable(found)
            : '  No data set yet; to upload one: distill datasets add pets.zip',
        );
      }),
    );

interface AddOptions {
  name?: string;
  source?: string;
  option: string[];
  resume?: string;
  sha256?: string;
  json?: boolean;
}

const add = () =>
  clientCommand('add')
    .summary('upload a file, or have one fetched from the web')
    .description(
      'Uploads a zip or tar archive of images, CSV, TSV, JSON Lines, Parquet, NPZ or an archive of CIFAR or IDX files, and waits until the service has read it. A connection that is cut is made again. The service fetches an https or http address itself.',
    )
    .argument('<file>', 'the file, or its address on the web')
    .option('--name <name>', 'a name for people (default: that of the file)')
    .option('--source <source>', 'the source that reads it (default: what it looks like)')
    .option(
      '--option <name=value>',
      'an option of the source, its value as JSON or text; may be repeated',
      (text: string, before: string[]) => [...before, text],
      [],
    )
    .option('--resume <upload>', 'go on with an upload that was interrupted')
    .option('--sha256 <digest>', 'the SHA-256 that a file from the web must have')
    .option('--json', 'print the data set as JSON')
    .action(
      clientAction(async ({ client, out, print, onInterrupt }, path: string, options: AddOptions) => {
        const { name, source, resume, sha256, json } = options;
        const region = out.isTTY && !json ? liveRegion(out) : undefined;
        const description: DatasetDescription = {
          ...(name !== undefined && { name }),
          ...(source !== undefined && { source }),
          options: optionsOf(options.option),
        };
        let dataset: StoredDataset;
        if (isAddress(path)) {
          if (resume !== undefined)
            throw new UsageError('--resume is for files; an address resumes by itself');
          onInterrupt(() => {
            region?.end();
            return '  the service goes on; distill datasets shows how far it is';
          });
          dataset = await client.datasets.fetch(path, description, {
            sha256,
            onProgress({ state, received = 0, file: { size } }) {
              if (state !== 'fetching') return;
              region?.draw([fetchedLine(received, size)]);
            },
          });
        } else {
          if (sha256 !== undefined) throw new UsageError('--sha256 is for files from the web');
          const file = await openAsBlob(path).catch((error: NodeJS.ErrnoException) => {
            throw new UsageError(`cannot read ${path}: ${error.message}`, { cause: error });
          });
          let begun: string | undefined;
          onInterrupt(() => {
            region?.end();
            return begun === undefined ? '' : `  to go on: distill datasets add ${path} --resume ${begun}`;
          });
          dataset = await client.datasets.add(file, description, {
            name: basename(path),
            resume,
            onProgress(stored, size, id) {
              begun = id;
              const share = stored / size;
              region?.draw([`  ${bar(share)} ${percent(share)} of ${bytes(size)}`]);
            },
          });
        }
        region?.end();
        if (json) print(JSON.stringify(dataset, undefined, 2));
        else print(datasetText(dataset));
        if (dataset.state === 'refused' || dataset.state === 'failed')
          process.exitCode = exitCodes.refused.code;
      }),
    );

const show = () =>
  clientCommand('show')
    .summary('show what is in a data set')
    .description('Shows the profile of a data set: counts, sizes, statistics, duplicates and warnings.')
    .argument('<dataset>', 'the id of the data set, as "distill datasets" shows it')
    .option('--json', 'print data set and profile as JSON')
    .action(
      clientAction(async ({ client, print }, id: string, { json }: { json?: boolean }) => {
        const dataset = await client.datasets.get(id);
        const profile = dataset.state === 'ready' ? await client.datasets.profile(id) : undefined;
        if (json) return print(JSON.stringify({ ...dataset, profile: profile ?? null }, undefined, 2));
        print(datasetText(dataset, profile));
      }),
    );

const remove = () =>
  clientCommand('delete')
    .summary('delete a data set')
    .description('Deletes a data set. Jobs that use it keep its file.')
    .argument('<dataset>', 'the id of the data set, as "distill datasets" shows it')
    .action(
      clientAction(async ({ client, print }, id: string) => {
        await client.datasets.delete(id);
        print(`  ${id} is deleted`);
      }),
    );

const isAddress = (text: string) => /^https?:\/\//i.test(text);

/** How much of a file the service has fetched. */
function fetchedLine(received: number, size: number | null): string {
  if (size === null) return `  ${bytes(received)} fetched`;
  const share = received / size;
  return `  ${bar(share)} ${percent(share)} of ${bytes(size)}`;
}

/** @throws UsageError for an option without a value */
function optionsOf(given: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    given.map((text) => {
      const [, name, value] = /^([A-Za-z]+)=(.*)$/s.exec(text) ?? [];
      if (name === undefined)
        throw new UsageError(`--option is ${JSON.stringify(text)}, it must be a name, = and a value`);
      try {
        return [name, JSON.parse(value) as unknown];
      } catch {
        return [name, value];
      }
    }),
  );
}
