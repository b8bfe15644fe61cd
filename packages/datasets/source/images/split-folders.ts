/** The usual names of each split, in lower case. */
const usualNames = {
  train: ['train', 'training'],
  test: ['test', 'testing'],
  validation: ['val', 'valid', 'validation', 'dev'],
} as const;
export type SplitName = keyof typeof usualNames;

/** Whether a folder has the usual name of one with images that have no class. */
export const isUnlabeledFolder = (name: string): boolean => /^unlabell?ed$/i.test(name);

/** The split that a folder or a word in a table names, in any case; undefined for another name. */
export function splitNamed(name: string): SplitName | undefined {
  const wanted = name.toLowerCase();
  return (Object.keys(usualNames) as SplitName[]).find((split) =>
    (usualNames[split] as readonly string[]).includes(wanted),
  );
}
