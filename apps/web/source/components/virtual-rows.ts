import type { RefObject } from 'preact';
import { useEffect, useState } from 'preact/hooks';

/** The rows that are drawn: all up to `limit`, otherwise those near the screen. */
export interface RowWindow {
  first: number;
  /** Behind the last one. */
  end: number;
}

const limit = 200;
const margin = 20;

/** Draws only the rows near the screen when there are more than 200, which must then all have the same height in pixels. */
export function useRowWindow(
  count: number,
  rowHeight: number,
  body: RefObject<HTMLElement | null>,
): RowWindow {
  const [view, setView] = useState<RowWindow>({ first: 0, end: limit });
  const virtual = count > limit;
  useEffect(() => {
    if (!virtual) return;
    const measure = () => {
      const top = body.current?.getBoundingClientRect().top ?? 0;
      const first = Math.max(0, Math.floor(-top / rowHeight) - margin);
      const end = Math.min(count, first + Math.ceil(innerHeight / rowHeight) + 2 * margin);
      setView((now) => (now.first === first && now.end === end ? now : { first, end }));
    };
    measure();
    addEventListener('scroll', measure, { passive: true });
    addEventListener('resize', measure);
    return () => {
      removeEventListener('scroll', measure);
      removeEventListener('resize', measure);
    };
  }, [virtual, count, rowHeight]);
  return virtual ? view : { first: 0, end: count };
}
