import { archiveEntries } from '../archives/archive.ts';
import { labelReader, usualMissing } from '../rows/labels.ts';
import { writtenValue } from '../rows/written-value.ts';
import { imageExtensions } from './image-format.ts';
import type { PackedImages } from './packed-images.ts';
import type { ImageRow } from './rows-layout.ts';
import type { Shard } from './shards.ts';

interface Choice {
  /** The field of the label in JSON files. */
  label: string;
  /** The names of the classes, where labels are numbers. */
  classNames?: readonly string[] | undefined;
}

/** What is known of a sample: files next to each other whose names are equal up to the first dot. */
interface Sample {
  key: string;
  image?: string;
  label?: string;
  /** Why it has no label. */
  fault?: string;
}

/** Reads images of shards of WebDataset: tar archives of `key.jpg` with `key.cls` or `key.json`. */
export function webdatasetImages(
  shards: readonly Shard[],
  choice: Choice,
): Pick<PackedImages, 'list' | 'contents'> {
  return {
    async list(signal) {
      const rows: ImageRow[] = [];
      const refused: { name: string; reason: string }[] = [];
      for (const shard of shards) {
        const refuse = (name: string, reason: string) =>
          refused.push({ name: `${shard.name}/${name}`, reason });
        let sample: Sample | undefined;
        const finish = () => {
          const done = sample === undefined ? undefined : finished(sample, choice);
          if (done !== undefined && 'reason' in done) refuse(done.name, done.reason);
          else if (done !== undefined)
            rows.push({ name: `${shard.name}/${done.name}`, label: done.label, split: shard.split });
        };
        for await (const { name, read } of archiveEntries(shard.path, refuse, signal)) {
          const { key, extension } = partsOf(name);
          if (key !== sample?.key) {
            finish();
            sample = { key };
          }
          if (imageExtensions.includes(extension)) sample.image ??= name;
          else if (extension === 'cls') sample.label = (await read()).toString();
          else if (extension === 'json') Object.assign(sample, labelIn(await read(), choice.label));
        }
        finish();
      }
      return { rows, order: choice.classNames ?? orderOf(rows), refused };
    },
    async *contents(signal, wanted) {
      for (const shard of shards) {
        for await (const entry of archiveEntries(shard.path, undefined, signal)) {
          const name = `${shard.name}/${entry.name}`;
          const isImage = imageExtensions.includes(partsOf(entry.name).extension);
          if (isImage && wanted?.has(name) !== false) yield { name, bytes: await entry.read() };
        }
      }
    },
  };
}

/** The key of a sample is its name up to the first dot behind the last slash. */
function partsOf(name: string): { key: string; extension: string } {
  const [, key, extension = ''] = /^(.*?[^/]*?)(?:\.([^/]*))?$/.exec(name) as RegExpExecArray;
  return { key, extension: extension.toLowerCase() };
}

function labelIn(bytes: Buffer, field: string): Pick<Sample, 'label' | 'fault'> {
  try {
    const value: unknown = JSON.parse(bytes.toString());
    const found =
      typeof value === 'object' && value !== null && Object.hasOwn(value, field)
        ? writtenValue((value as Record<string, unknown>)[field])
        : undefined;
    return found === undefined
      ? { fault: `its JSON has no label in the field ${JSON.stringify(field)}` }
      : { label: found };
  } catch {
    return { fault: 'its JSON cannot be read' };
  }
}

const labelOf = labelReader(usualMissing);

type Finished = { name: string; label: string } | { name: string; reason: string };

/** A row, the reason why there is none, or undefined for files that belong to no image. */
function finished({ key, image, label, fault }: Sample, { classNames }: Choice): Finished | undefined {
  if (image === undefined) return label === undefined ? undefined : { name: key, reason: 'has no image' };
  if (label === undefined) return { name: image, reason: fault ?? 'has no label: a .cls or .json file' };
  const found = labelOf(label);
  if (!('label' in found)) return { name: image, reason: found.reason };
  if (classNames === undefined) return { name: image, label: found.label };
  const named = /^\d+$/.test(found.label) ? classNames[Number(found.label)] : undefined;
  return named === undefined
    ? { name: image, reason: `the label ${found.label} has no name in "classNames"` }
    : { name: image, label: named };
}

/** Numbers by their size; undefined for names. */
function orderOf(rows: readonly ImageRow[]): string[] | undefined {
  const labels = [...new Set(rows.map(({ label }) => label))];
  return labels.every((label) => /^\d+$/.test(label))
    ? labels.sort((a, b) => Number(a) - Number(b))
    : undefined;
}
