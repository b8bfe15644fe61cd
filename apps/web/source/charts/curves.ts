import type { Curve } from '@distillery/spec';

/** The most points that are kept of one curve: twice what the service sends, so that a live curve is thinned seldom. */
const mostPoints = 3000;

/**
 * Appends newer points to curves. An attempt that began again from a checkpoint writes steps anew: its points replace those
 * of the attempt before from there on.
 */
export function withNewer(curves: readonly Curve[], newer: readonly Curve[]): Curve[] {
  const known = new Map(curves.map((curve) => [keyOf(curve), curve]));
  for (const added of newer) {
    const before = known.get(keyOf(added));
    known.set(keyOf(added), before === undefined ? added : thinned(appended(before, added)));
  }
  return [...known.values()];
}

const keyOf = ({ stage, name }: Curve) => `${stage} ${name}`;

function appended(before: Curve, added: Curve): Curve {
  const [from] = added.step;
  if (from === undefined) return before;
  let kept = before.step.length;
  while (kept > 0 && before.step[kept - 1] >= from) kept--;
  return {
    stage: before.stage,
    name: before.name,
    step: [...before.step.slice(0, kept), ...added.step],
    epoch: [...before.epoch.slice(0, kept), ...added.epoch],
    value: [...before.value.slice(0, kept), ...added.value],
  };
}

/** Every second point when there are too many, and always the newest. */
function thinned(curve: Curve): Curve {
  const last = curve.step.length - 1;
  if (last < mostPoints) return curve;
  const keep = (_: unknown, index: number) => index % 2 === last % 2;
  return {
    ...curve,
    step: curve.step.filter(keep),
    epoch: curve.epoch.filter(keep),
    value: curve.value.filter(keep),
  };
}
