/**
 * The candidate that a name was most likely meant to be: one edit away, or two for names of eight characters or more.
 * An edit adds, removes or changes one character, or swaps two
 * neighbours. Undefined when no candidate is that close.
 */
export function similarTo(name: string, candidates: readonly string[]): string | undefined {
  const allowed = name.length >= 8 ? 2 : 1;
  return candidates
    .map((candidate) => ({ candidate, distance: editDistance(name, candidate) }))
    .filter(({ distance }) => distance <= allowed)
    .sort((a, b) => a.distance - b.distance)[0]?.candidate;
}

/** Optimal string alignment distance (Levenshtein's, and a swap of neighbours is one edit), by the rows of its table. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, changed, swapped ? before[j - 2] + 1 : Infinity));
    }
    [before, row] = [row, next];
  }
  return row[b.length];
}
