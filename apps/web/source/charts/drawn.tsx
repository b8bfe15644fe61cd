import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

/** How far below or above the screen a chart is drawn already, in pixels. */
const ahead = 300;

interface DrawnProps {
  /** The height that is kept free until then, in pixels. */
  height: number;
  children: (width: number) => ComponentChildren;
}

/** Draws a chart at the real width of its place, again when that changes, and not before it comes near the screen. */
export function Drawn({ height, children }: DrawnProps) {
  const place = useRef<HTMLDivElement>(null);
  const [near, setNear] = useState(false);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const sizes = new ResizeObserver(([entry]) => {
      const now = Math.floor(entry?.contentRect.width ?? 0);
      if (now > 0) setWidth(now);
    });
    const sight = new IntersectionObserver(
      ([entry]) => {
        if (!entry?.isIntersecting) return;
        setNear(true);
        sight.disconnect();
      },
      { rootMargin: `${ahead}px` },
    );
    sizes.observe(element);
    sight.observe(element);
    return () => {
      sizes.disconnect();
      sight.disconnect();
    };
  }, []);
  return (
    <div ref={place} class="drawn" style={{ minHeight: `${height}px` }}>
      {near && width > 0 && children(width)}
    </div>
  );
}
