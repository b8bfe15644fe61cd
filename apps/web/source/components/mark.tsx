/**
 * The marks of networks, the same on every page and in every chart: the teacher is a solid line in ink, a control a dashed
 * grey one, and each student has a colour and a shape by its place in the spec, never by its rank.
 */
export type Network =
  | { role: 'teacher' }
  | { role: 'control' }
  /** `place` counts the students of the spec without controls, from 0. */
  | { role: 'student'; place: number };

/** Outlines around the origin, within about 5 units of it. */
const shapes: readonly string[] = [
  'M-4.400 0a4.400 4.400 0 1 0 8.800 0a4.400 4.400 0 1 0-8.800 0z',
  'M-3.900-3.900h7.800v7.800h-7.800z',
  'M0-4.900L4.700 3.600H-4.700z',
  'M0-5.300L5.300 0 0 5.300-5.300 0z',
  'M0 4.900L4.700-3.600H-4.700z',
  'M-1.700-4.900h3.400v3.200h3.200v3.400h-3.200v3.200h-3.400v-3.200h-3.200v-3.400h3.200z',
  'M2.300-4.700L4.700-2.300 2.400 0 4.700 2.300 2.300 4.700 0 2.400-2.300 4.700-4.700 2.300-2.400 0-4.700-2.300-2.300-4.700 0-2.400z',
  'M0-4.900L4.700-1.500 2.900 4H-2.900L-4.700-1.500z',
  'M-5-2.100H5V2.100H-5z',
  'M0-5.700L1.500-2 5.400-1.700 2.400.8 3.300 4.600 0 2.500-3.300 4.600-2.400.8-5.400-1.700-1.500-2z',
];

/** How many students have a colour and a shape of their own. */
const markCount = shapes.length;

/** The class that sets `--c` to the colour of a network; students past the tenth are grey. */
export function networkClass(network: Network): string {
  if (network.role === 'student') return network.place < markCount ? `s${network.place + 1}` : 'ctl';
  return network.role === 'teacher' ? 'tch' : 'ctl';
}

/** The outline of a student's mark around the origin; controls and students past the tenth have a circle. */
export const markPath = (network: Network): string =>
  network.role === 'student' && network.place < markCount ? shapes[network.place] : shapes[0];

/** A mark before a name. The name beside it is its text. */
export function Mark({ network }: { network: Network }) {
  const { role } = network;
  return (
    <svg class={`mark ${networkClass(network)}`} viewBox="-7 -7 14 14" aria-hidden="true">
      {role === 'teacher' && <path d="M-7 0H7" stroke="var(--c)" stroke-width="2.5" />}
      {role === 'control' && (
        <path d="M-8 0H8" stroke="var(--c)" stroke-width="1.75" stroke-dasharray="4 2.5" />
      )}
      {role === 'student' && <path class="mk" d={markPath(network)} />}
    </svg>
  );
}
