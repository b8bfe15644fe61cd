import { useEffect, useState } from 'preact/hooks';

/** The time now in milliseconds since 1970, renewed so often, for texts such as "11 min ago". */
export function useNow(everyMs = 15_000): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}
