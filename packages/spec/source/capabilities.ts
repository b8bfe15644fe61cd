/**
 * What workers are capable of, and what stages require of them, as words. A capability is a word (`bfloat16`, `gpu`, `cpu`,
 * `label:a100`) or a size in bytes (`gpuMemory=25769803776`); a requirement is a word or a least size
 * (`gpuMemory>=17179869184`). Words contain no blank and no comma. `packages/queue/source/scripts/choose.ts` compares them in
 * the same way.
 */

/** Returns the requirements that a worker does not meet. */
export function unmet(capabilities: readonly string[], requires: readonly string[]): string[] {
  return requires.filter((requirement) => {
    const [name, least] = requirement.split('>=');
    if (least === undefined) return !capabilities.includes(requirement);
    const size = capabilities.find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1);
    return Number(size ?? 0) < Number(least);
  });
}

/**
 * Returns what is missing for stages that no worker can run: the requirements that the most capable worker does not meet.
 * Empty when a worker can run them, and when there is none at all.
 *
 * @param workers the capabilities of each live worker
 */
export function missingIn(workers: readonly (readonly string[])[], requires: readonly string[]): string[] {
  const missing = workers.map((capabilities) => unmet(capabilities, requires));
  return missing.sort((a, b) => a.length - b.length)[0] ?? [];
}

/** A requirement in words: `gpuMemory>=17179869184` as `16 GiB of GPU memory`. */
export function requirementInWords(requirement: string): string {
  const [name, least] = requirement.split('>=');
  if (name === 'gpuMemory') return `${Number((Number(least) / 1024 ** 3).toFixed(2))} GiB of GPU memory`;
  if (name === 'gpu') return 'a GPU';
  if (name === 'cpu') return 'an engine on the CPU';
  return name.startsWith('label:') ? `the label ${name.slice('label:'.length)}` : name;
}
