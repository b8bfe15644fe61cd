import { escapeHtml } from './html.ts';
import { integer } from './format.ts';

export interface Point {
  name: string;
  role: 'teacher' | 'control' | 'student';
  x: number;
  y: number;
}

const [width, height] = [720, 320];
const margin = { left: 48, right: 120, top: 20, bottom: 36 };

/** Draws accuracy in percent over the number of parameters, on a logarithmic axis, as SVG. */
export function scatter(points: readonly Point[]): string {
  const logs = points.map(({ x }) => Math.log10(x));
  const [left, right] = padded(Math.min(...logs), Math.max(...logs), 0.15);
  const [low, high] = padded(Math.min(...points.map(({ y }) => y)), Math.max(...points.map(({ y }) => y)), 1);
  const placeX = (x: number) =>
    margin.left + ((Math.log10(x) - left) / (right - left)) * (width - margin.left - margin.right);
  const placeY = (y: number) =>
    height - margin.bottom - ((y - low) / (high - low)) * (height - margin.top - margin.bottom);
  const ticks = [0, 1, 2, 3, 4].map((i) => low + ((high - low) * i) / 4);
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="Test accuracy against the number of parameters">
${ticks
  .map((tick) => {
    const y = placeY(tick).toFixed(1);
    return `<line class="axis" x1="${margin.left}" x2="${width - margin.right}" y1="${y}" y2="${y}"/><text x="${margin.left - 8}" y="${y}" dy="4" text-anchor="end">${tick.toFixed(1)} %</text>`;
  })
  .join('\n')}
${points
  .map(({ name, role, x, y }) => {
    const [cx, cy] = [placeX(x).toFixed(1), placeY(y).toFixed(1)];
    return `<circle class="${role}" cx="${cx}" cy="${cy}" r="5"><title>${escapeHtml(name)}: ${y.toFixed(1)} %, ${integer(x)} parameters</title></circle><text x="${cx}" y="${cy}" dx="9" dy="4">${escapeHtml(name)}</text>`;
  })
  .join('\n')}
<text x="${(width - margin.right + margin.left) / 2}" y="${height - 10}" text-anchor="middle">parameters, logarithmic: ${integer(Math.min(...points.map(({ x }) => x)))} to ${integer(Math.max(...points.map(({ x }) => x)))}</text>
</svg>`;
}

function padded(least: number, most: number, pad: number): [number, number] {
  const room = Math.max((most - least) * 0.1, pad);
  return [least - room, most + room];
}
