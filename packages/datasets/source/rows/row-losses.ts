import type { RowFault } from './row-file.ts';

/** The share of the rows of a file that may be damaged, and the share that may have bytes of another encoding. */
const [tolerated, misreadTolerated] = [0.5, 0.01];
const named = 5;

/** Counts the rows of a file that are left out, and refuses the file when too many are damaged. */
export function rowLosses(refuse: (name: string, reason: string) => void) {
  const all = someOf();
  const misread = someOf();
  const damaged = someOf();
  return {
    note(fault: RowFault): void {
      refuse(fault.name, fault.reason);
      all.add(fault);
      if (fault.cause === 'encoding') misread.add(fault);
      // Rows without a label are no damage: often only a part of a table is labelled.
      if (fault.cause !== 'unlabelled') damaged.add(fault);
    },
    /**
     * @param kept the number of rows that are kept
     * @throws RangeError that names the first rows that are left out
     */
    check(kept: number): void {
      const total = kept + all.count;
      if (misread.count > misreadTolerated * total)
        throw new RangeError(
          `${misread.count} of ${total} rows are in another encoding: ${misread.names()}; set "encoding", for example to "windows-1252"`,
        );
      if (damaged.count > tolerated * (kept + damaged.count))
        throw new RangeError(
          `${damaged.count} of ${total} rows cannot be read, more than half: ${damaged.names()}`,
        );
      if (kept === 0 && all.count > 0)
        throw new RangeError(`holds no labelled row; all ${total} rows are left out: ${all.names()}`);
    },
  };
}

/** Counts faults, and keeps the first ones. */
function someOf() {
  const first: RowFault[] = [];
  return {
    count: 0,
    add(fault: RowFault): void {
      if (this.count++ < named) first.push(fault);
    },
    names: () => first.map(({ name, reason }) => `${name} (${reason})`).join(', '),
  };
}
