import type { Network } from '../components/mark.tsx';
import { placeLabels } from './place-labels.ts';
import { linearScale, logScale } from './scale.ts';
import { logTickTexts, tickTexts } from './tick-text.ts';

export type SizeMeasure = 'parameters' | 'size' | 'latency';

/** A network in the chart of accuracy against size. */
export interface SizedNetwork {
  name: string;
  network: Network;
  control: string | null;
  size: number;
  /** Percent. */
  accuracy: number;
}

interface Label {
  x: number;
  y: number;
  anchor: 'start' | 'end';
  /** The path of a thin line to the mark, where the label is not beside it. */
  leader: string | undefined;
}

interface SizePoint extends SizedNetwork {
  x: number;
  y: number;
  /** Where its control is. */
  from: { x: number; y: number } | undefined;
  label: Label | undefined;
}

export interface SizePlot {
  left: number;
  right: number;
  bottom: number;
  xTicks: { at: number; text: string }[];
  yTicks: { at: number; text: string }[];
  points: SizePoint[];
  /** The line through the controls, from the smallest to the largest. */
  controlLine: string;
}

const spacing = 11;
const characterWidth = 6.7;

/**
 * Lays out networks by size and accuracy. Students of the same size as their control stand side by side around it, so that
 * their marks do not hide each other; labels stand beside the stacks and are moved apart.
 */
export function layOutSizes(
  networks: readonly SizedNetwork[],
  { width, height }: { width: number; height: number },
): SizePlot | undefined {
  if (networks.length === 0) return undefined;
  const sizes = networks.map(({ size }) => size);
  const accuracies = networks.map(({ accuracy }) => accuracy);
  const [top, bottom, left, right] = [26, height - 34, 38, width - 12];
  const y = linearScale([Math.min(...accuracies), Math.max(...accuracies)], [bottom, top], { count: 5 });
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  const x = logScale([least / 1.25, most * 1.25], [left, right], { round: false });
  const placed = networks.map((one) => ({ ...one, x: x(one.size), y: y(one.accuracy) }));
  const points = besideEachOther(placed).map((point): SizePoint => {
    const control = placed.find(({ name }) => name === point.control);
    return { ...point, from: control && { x: control.x, y: control.y }, label: undefined };
  });
  addLabels(points, { top, bottom, left, right });
  const controls = placed.filter(({ network }) => network.role === 'control').sort((a, b) => a.x - b.x);
  const line = controls.map(({ x: cx, y: cy }) => `${cx.toFixed(1)} ${cy.toFixed(1)}`).join('L');
  return {
    left,
    right,
    bottom,
    xTicks: x.ticks.map((tick, index) => ({ at: x(tick), text: logTickTexts(x.ticks)[index] })),
    yTicks: y.ticks.map((tick, index) => ({ at: y(tick), text: tickTexts(y.ticks)[index] })),
    points,
    controlLine: controls.length > 1 ? `M${line}` : '',
  };
}

/** Moves students of nearly one size apart, in the order of the spec. */
function besideEachOther<P extends SizedNetwork & { x: number; y: number }>(points: readonly P[]): P[] {
  const moved = [...points];
  const students = points.filter(({ network }) => network.role === 'student');
  const seen = new Set<P>();
  for (const student of students) {
    if (seen.has(student)) continue;
    const stack = students.filter((other) => !seen.has(other) && Math.abs(other.x - student.x) < spacing);
    for (const one of stack) seen.add(one);
    stack.forEach((one, index) => {
      const offset = stack.length === 1 ? 0 : (index - (stack.length - 1) / 2) * spacing;
      moved[points.indexOf(one)] = { ...one, x: one.x + offset };
    });
  }
  return moved;
}

/** Puts the labels of each stack to the side that has more room, moved apart from each other. */
function addLabels(
  points: readonly SizePoint[],
  { top, bottom, left, right }: { top: number; bottom: number; left: number; right: number },
): void {
  const sides = { start: [] as SizePoint[], end: [] as SizePoint[] };
  for (const point of points) {
    if (point.network.role === 'control') continue;
    sides[sideOf(point, points, left, right)].push(point);
  }
  for (const anchor of ['start', 'end'] as const) {
    for (const stack of stacksOf(sides[anchor])) {
      const ys = placeLabels(
        stack.map(({ y }) => y),
        { top: top - 8, bottom: bottom - 6 },
      );
      const direction = anchor === 'start' ? 1 : -1;
      const edge =
        anchor === 'start' ? Math.max(...stack.map(({ x }) => x)) : Math.min(...stack.map(({ x }) => x));
      const x = edge + direction * (stack.length > 1 ? 22 : 11);
      stack.forEach((point, index) => {
        const y = ys[index];
        const near = stack.length === 1 && Math.abs(y - point.y) < 2;
        const leader = `M${(point.x + direction * 6).toFixed(1)} ${point.y.toFixed(1)}L${(x - direction * 4).toFixed(1)} ${y.toFixed(1)}`;
        point.label = { x, y, anchor, leader: near ? undefined : leader };
      });
    }
  }
}

/** A label stands on the right unless it would leave the chart there. */
function sideOf(point: SizePoint, all: readonly SizePoint[], left: number, right: number): 'start' | 'end' {
  const same = all.filter(
    ({ x, network }) => network.role !== 'control' && Math.abs(x - point.x) < 4 * spacing,
  );
  const longest = Math.max(...same.map(({ name }) => name.length)) * characterWidth + 26;
  if (point.x + longest <= right) return 'start';
  return point.x - longest >= left ? 'end' : 'start';
}

/** Points whose labels would stand in one column. */
function stacksOf(points: readonly SizePoint[]): SizePoint[][] {
  const stacks: SizePoint[][] = [];
  for (const point of [...points].sort((a, b) => a.x - b.x)) {
    const last = stacks.at(-1);
    if (last !== undefined && point.x - (last.at(-1)?.x ?? 0) < 4 * spacing) last.push(point);
    else stacks.push([point]);
  }
  return stacks;
}
