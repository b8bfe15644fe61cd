import { useEffect } from 'preact/hooks';

/** Sets the title of the window: what is shown, from the particular to the general. */
export function useTitle(...parts: (string | null | undefined)[]): void {
  const title = [...parts.filter(Boolean), 'Distillery'].join(' · ');
  useEffect(() => {
    document.title = title;
  }, [title]);
}
