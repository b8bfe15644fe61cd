/**
 * The samples of each class, by its label, in the order in which the classes come first.
 *
 * @param labels of all samples
 * @param indices of the samples that are looked at. Default: all
 */
export function samplesByClass(
  labels: Int32Array,
  indices: Iterable<number> = labels.keys(),
): Map<number, number[]> {
  const members = new Map<number, number[]>();
  for (const index of indices) {
    const group = members.get(labels[index]);
    if (group === undefined) members.set(labels[index], [index]);
    else group.push(index);
  }
  return members;
}
