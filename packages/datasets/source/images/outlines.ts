/**
 * The signed distance to an outline in the outline's units, negative inside; x points up in an upright image. With
 * distances one formula antialiases every outline at every size and rotation.
 */
export type Outline = (x: number, y: number) => number;

type Point = readonly [number, number];

const circle: Outline = (x, y) => Math.sqrt(x * x + y * y) - 1;

const ring: Outline = (x, y) => Math.abs(Math.sqrt(x * x + y * y) - 0.75) - 0.25;

/** A disc without the part that a second disc beside it covers. */
const crescent: Outline = (x, y) => {
  const aside = x - 0.55;
  return Math.max(Math.sqrt(x * x + y * y) - 1, 0.85 - Math.sqrt(aside * aside + y * y));
};

/** Distance to the nearest edge, its sign by the even-odd rule (after Inigo Quilez, "2D distance functions"). */
function polygon(points: readonly Point[]): Outline {
  const n = points.length;
  const px = points.map(([x]) => x);
  const py = points.map(([, y]) => y);
  return (x, y) => {
    let nearest = Number.POSITIVE_INFINITY;
    let inside = false;
    for (let i = 0, j = n - 1; i < n; j = i++) {
      const ex = px[j] - px[i];
      const ey = py[j] - py[i];
      const wx = x - px[i];
      const wy = y - py[i];
      const along = Math.min(1, Math.max(0, (wx * ex + wy * ey) / (ex * ex + ey * ey)));
      const dx = wx - ex * along;
      const dy = wy - ey * along;
      nearest = Math.min(nearest, dx * dx + dy * dy);
      if (py[i] > y !== py[j] > y && x < px[i] + (ex * (y - py[i])) / ey) inside = !inside;
    }
    return (inside ? -1 : 1) * Math.sqrt(nearest);
  };
}

/** Points on circles around the origin, of the given radii in turn. */
function spokes(count: number, ...radii: number[]): Point[] {
  return Array.from({ length: count }, (_, i) => {
    const angle = (2 * Math.PI * i) / count;
    const radius = radii[i % radii.length];
    return [radius * Math.cos(angle), radius * Math.sin(angle)];
  });
}

const ARM = 0.36;
const cross: Point[] = [
  [1, ARM],
  [ARM, ARM],
  [ARM, 1],
  [-ARM, 1],
  [-ARM, ARM],
  [-1, ARM],
  [-1, -ARM],
  [-ARM, -ARM],
  [-ARM, -1],
  [ARM, -1],
  [ARM, -ARM],
  [1, -ARM],
];

const arrow: Point[] = [
  [1, 0],
  [0.1, 0.85],
  [0.1, 0.32],
  [-1, 0.32],
  [-1, -0.32],
  [0.1, -0.32],
  [0.1, -0.85],
];

/** The usual parametric heart, x = 16 sin³t, as a polygon whose edges are shorter than a pixel at these sizes. */
const heart: Point[] = Array.from({ length: 20 }, (_, i) => {
  const t = (2 * Math.PI * i) / 20;
  const up = 13 * Math.cos(t) - 5 * Math.cos(2 * t) - 2 * Math.cos(3 * t) - Math.cos(4 * t);
  return [(up + 2.5) / 16, Math.sin(t) ** 3];
});

/** Scales an outline to the area of the unit disc, so that a class cannot be recognised by the amount of its colour. */
function sameArea(outline: Outline): Outline {
  // Measured when it is first drawn, as every process that plans or trains loads this file.
  let scale: number | undefined;
  return (x, y) => {
    scale ??= Math.sqrt(Math.PI / area(outline));
    return outline(x / scale, y / scale) * scale;
  };
}

function area(outline: Outline): number {
  const steps = 160;
  const cell = 3 / steps;
  let inside = 0;
  for (let i = 0; i < steps; i++) {
    for (let j = 0; j < steps; j++) {
      if (outline((i + 0.5) * cell - 1.5, (j + 0.5) * cell - 1.5) < 0) inside++;
    }
  }
  return inside * cell * cell;
}

/** The ten classes. No rotation or scaling turns one of them into another. */
export const outlines: Readonly<Record<string, Outline>> = Object.fromEntries(
  Object.entries({
    circle,
    ring,
    crescent,
    triangle: polygon(spokes(3, 1)),
    square: polygon(spokes(4, 1)),
    pentagon: polygon(spokes(5, 1)),
    star: polygon(spokes(10, 1, 0.45)),
    cross: polygon(cross),
    heart: polygon(heart),
    arrow: polygon(arrow),
  }).map(([name, outline]) => [name, sameArea(outline)]),
);
