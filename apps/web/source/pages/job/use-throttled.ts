import { useEffect, useRef } from 'preact/hooks';

/** Returns a function that calls another one at most once in a time, and once more at its end when it was asked meanwhile. */
export function useThrottled(call: () => void, milliseconds: number): () => void {
  const latest = useRef(call);
  latest.current = call;
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const last = useRef(0);
  useEffect(() => () => clearTimeout(timer.current), []);
  return () => {
    if (timer.current !== undefined) return;
    const wait = Math.max(0, last.current + milliseconds - performance.now());
    timer.current = setTimeout(() => {
      timer.current = undefined;
      last.current = performance.now();
      latest.current();
    }, wait);
  };
}
