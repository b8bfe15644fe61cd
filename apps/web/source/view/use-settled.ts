import { useEffect, useState } from 'preact/hooks';

/** A value once it has stayed the same for so long, so that each letter of a search sends no request. */
export function useSettled<T>(value: T, ms: number): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
}
