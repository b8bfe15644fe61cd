import { saveFile } from './save-file.ts';

/** The properties that the style sheets give a chart; a file of its own has no style sheet. */
const properties = [
  'fill',
  'stroke',
  'stroke-width',
  'stroke-dasharray',
  'stroke-linejoin',
  'stroke-linecap',
  'opacity',
  'font-size',
  'font-family',
  'font-weight',
  'paint-order',
] as const;
const svgNamespace = 'http://www.w3.org/2000/svg';

/** Saves a chart as it is shown, in the colours of the theme. */
export async function savePicture(chart: SVGSVGElement, name: string, kind: 'svg' | 'png'): Promise<void> {
  const svg = new Blob([standalone(chart)], { type: 'image/svg+xml' });
  saveFile(kind === 'svg' ? svg : await toPng(svg, chart), `${name}.${kind}`);
}

/** The text of an SVG file that looks like the chart without the style sheets of the page. */
function standalone(chart: SVGSVGElement): string {
  const copy = chart.cloneNode(true) as SVGSVGElement;
  const originals = [chart, ...chart.querySelectorAll<SVGElement>('*')];
  const copies = [copy, ...copy.querySelectorAll<SVGElement>('*')];
  copies.forEach((element, index) => {
    const style = getComputedStyle(originals[index]);
    for (const property of properties) {
      const value = style.getPropertyValue(property);
      if (value !== '') element.setAttribute(property, value);
    }
    element.removeAttribute('class');
  });
  const { width, height } = sizeOf(chart);
  const background = document.createElementNS(svgNamespace, 'rect');
  const surface = getComputedStyle(chart.closest('.card') ?? document.body).backgroundColor;
  for (const [key, value] of Object.entries({
    x: -8,
    y: -8,
    width: width + 16,
    height: height + 16,
    fill: surface,
  })) {
    background.setAttribute(key, String(value));
  }
  copy.prepend(background);
  copy.setAttribute('xmlns', svgNamespace);
  copy.setAttribute('viewBox', `-8 -8 ${width + 16} ${height + 16}`);
  copy.setAttribute('width', String(width + 16));
  copy.setAttribute('height', String(height + 16));
  copy.removeAttribute('aria-hidden');
  return new XMLSerializer().serializeToString(copy);
}

const sizeOf = (chart: SVGSVGElement) => ({
  width: chart.width.baseVal.value,
  height: chart.height.baseVal.value,
});

/** Draws an SVG file with two pixels for each of its units, which stays sharp in slides. */
async function toPng(svg: Blob, chart: SVGSVGElement): Promise<Blob> {
  const { width, height } = sizeOf(chart);
  const address = URL.createObjectURL(svg);
  try {
    const image = new Image();
    image.src = address;
    await image.decode();
    const canvas = new OffscreenCanvas(2 * (width + 16), 2 * (height + 16));
    canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height);
    return await canvas.convertToBlob({ type: 'image/png' });
  } finally {
    URL.revokeObjectURL(address);
  }
}
