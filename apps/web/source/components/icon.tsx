/** The icons, drawn on 16 by 16 units in the colour of the text. */
const paths = {
  arc: 'M8 2.25A5.75 5.75 0 0 1 13.75 8',
  check: 'M3.5 8.3l3 3 6-6.6',
  clock: 'M13.75 8a5.75 5.75 0 1 1-11.5 0a5.750 5.750 0 0 1 11.5 0M8 5v3.2l2 1.300',
  close: 'M4.5 4.5l7 7M11.5 4.5l-7 7',
  copy: 'M5.500 5.500h7v7h-7zM3.500 10.500v-7h7',
  down: 'M4.5 6.5L8 10l3.5-3.5',
  download: 'M8 2.500v7.500M4.800 7l3.200 3.200L11.200 7M3 13h10',
  error: 'M5.6 2.25h4.8l3.35 3.35v4.8l-3.35 3.35H5.6L2.25 10.4V5.6zM8 5.2v3.3M8 10.8v.01',
  eye: 'M1.800 8S4 3.800 8 3.800 14.200 8 14.200 8 12 12.200 8 12.200 1.800 8 1.800 8zM9.700 8a1.700 1.700 0 1 1-3.400 0a1.700 1.700 0 0 1 3.400 0',
  'eye-off': 'M1.800 8S4 3.800 8 3.800 14.200 8 14.200 8 12 12.200 8 12.200 1.800 8 1.800 8zM3 13L13 3',
  grip: 'M6 4v.01M10 4v.01M6 8v.01M10 8v.01M6 12v.01M10 12v.01',
  key: 'M8.200 7.800a3 3 0 1 1-4.200 4.200a3 3 0 0 1 4.200-4.200zM8.200 7.800l5-5M10.800 5.200l2 2',
  left: 'M10 4L6 8l4 4',
  list: 'M2.5 4.500h11M2.5 8h11M2.5 11.500h11',
  minus: 'M4 8h8',
  moon: 'M12.800 9.800A5.300 5.300 0 0 1 6.200 3.200a5.300 5.300 0 1 0 6.600 6.600z',
  more: 'M3.500 8v.01M8 8v.01M12.500 8v.01',
  pause: 'M5.500 4v8M10.500 4v8',
  play: 'M5 3.500l7 4.500-7 4.500z',
  plus: 'M8 3.5v9M3.5 8h9',
  retry: 'M12.900 6.200A5.300 5.300 0 1 0 13.300 8M13.300 3v3.300H10',
  right: 'M6 4l4 4-4 4',
  search: 'M11.250 7a4.250 4.250 0 1 1-8.500 0a4.250 4.250 0 0 1 8.500 0M10.3 10.3l3.2 3.2',
  sun: 'M10.750 8a2.750 2.750 0 1 1-5.500 0a2.750 2.750 0 0 1 5.500 0M8 1.8v1.4M8 12.8v1.4M1.8 8h1.4M12.8 8h1.4M3.6 3.6l1 1M11.4 11.4l1 1M3.6 12.4l1-1M11.4 4.6l1-1',
  system: 'M2.500 3.500h11v7.500h-11zM6 13.500h4M8 11v2.500',
  up: 'M4.5 9.5L8 6l3.5 3.5',
  warning: 'M8 2.4l6 10.8H2zM8 6.6v3M8 11.4v.01',
} as const;

export type IconName = keyof typeof paths;

/** An icon; decoration beside a word, or named by `label` when it stands alone. */
export function Icon({ name, label }: { name: IconName; label?: string }) {
  const heavy = name === 'grip' || name === 'more';
  const access =
    label === undefined ? { 'aria-hidden': true } : { role: 'img' as const, 'aria-label': label };
  return (
    <svg class="icon" viewBox="0 0 16 16" {...access}>
      <path d={paths[name]} stroke-width={heavy ? 2 : undefined} />
    </svg>
  );
}
