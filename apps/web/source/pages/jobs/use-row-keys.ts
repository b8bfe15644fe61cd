import { useKeys } from '../../keyboard/keys.ts';

/** Moves between the links of rows, which have the attribute `data-row`: `j` down, `k` up, `x` selects, Enter opens. */
export function useRowKeys(onToggle: (href: string) => void): void {
  const links = () => [...document.querySelectorAll<HTMLAnchorElement>('[data-row]')];
  const current = (all: readonly HTMLAnchorElement[]) => {
    const row = document.activeElement?.closest('tr, li');
    return row ? all.findIndex((link) => row.contains(link)) : -1;
  };
  const move = (by: 1 | -1) => {
    const all = links();
    const at = current(all);
    const to = all[at < 0 ? 0 : at + by];
    to?.focus();
    to?.scrollIntoView({ block: 'nearest' });
  };
  useKeys({
    j: { does: 'Next row', run: () => move(1) },
    k: { does: 'Row before', run: () => move(-1) },
    x: {
      does: 'Select the row',
      run: () => {
        const all = links();
        const link = all[current(all)];
        if (link) onToggle(link.pathname);
      },
    },
  });
}
