/** The example specs of the repository, each loaded when it is chosen. */
const files = import.meta.glob<Record<string, unknown>>('../../../../../examples/*.json', {
  import: 'default',
});

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1, -'.json'.length);

/** The names of the examples. */
export const exampleNames: readonly string[] = Object.keys(files).map(nameOf);

/** Loads an example; undefined when there is none of this name. */
export async function loadExample(name: string): Promise<Record<string, unknown> | undefined> {
  const found = Object.entries(files).find(([path]) => nameOf(path) === name);
  return found === undefined ? undefined : structuredClone(await found[1]());
}

/** A small job to begin with: generated images, so that nothing is downloaded. */
export const blankSpec: Record<string, unknown> = {
  dataset: { source: 'shapes' },
  teacher: { architecture: { type: 'deepnn' } },
  students: [
    {
      name: 'soft',
      architecture: { type: 'lightnn' },
      method: [{ type: 'soft_target' }, { type: 'cross_entropy' }],
    },
  ],
};
