import { useQuery } from '../../router/query.ts';

/** The runs that are hidden on every tab, from the address. */
export function useHidden(): string[] {
  const [query] = useQuery();
  return (query.get('hide') ?? '').split(',').filter((name) => name !== '');
}

/** Returns a function that hides a run everywhere, or shows it again. */
export function useHiding(): (name: string) => void {
  const [, change] = useQuery();
  const hidden = useHidden();
  return (name) => {
    const next = hidden.includes(name) ? hidden.filter((one) => one !== name) : [...hidden, name];
    change({ hide: next.length === 0 ? null : next.join(',') });
  };
}
