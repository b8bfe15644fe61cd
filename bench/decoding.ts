/**
 * How many images a second are decoded on one core, beside Pillow in the same run, in turns:
 *
 *     npm run bench:decoding -- --python python3
 *
 * Small images are decoded at their own size; of photographs of 640×480 pixels Pillow's `draft` and sharp's shrink-on-load decode
 * half of each side, before both scale to 224×224. The medians of the rounds, and of the ratios within a round, are printed.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { decodeImage, DECODES_AT_ONCE } from '@distillery/datasets/decode-image';

const { values } = parseArgs({
  options: { python: { type: 'string', default: 'python3' }, core: { type: 'string', default: '0' } },
});
/** Seconds for each measurement. */
const seconds = 0.5;
const rounds = 9;

const kinds = [
  { name: 'PNG 32×32', file: '32.png', size: [32, 32] },
  { name: 'JPEG 32×32', file: '32.jpg', size: [32, 32] },
  { name: 'JPEG 640×480 to 224×224', file: '640.jpg', size: [224, 224] },
] as const;

async function ours(bytes: Buffer, size: readonly [number, number]): Promise<number> {
  const target = { size, fit: 'squash', background: '#ffffff', channels: 3 } as const;
  const begun = performance.now();
  let count = 0;
  const work = async () => {
    for (; performance.now() - begun < 1000 * seconds; count++) await decodeImage(bytes, target);
  };
  await Promise.all(Array.from({ length: DECODES_AT_ONCE }, work));
  return (1000 * count) / (performance.now() - begun);
}

const median = (numbers: number[]) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];

// Threads that are started later, and the peer, stay on the core too.
execFileSync('taskset', ['-a', '-p', '-c', values.core, String(process.pid)]);
const folder = await mkdtemp(join(tmpdir(), 'distillery-decoding-'));
const peer = spawn(values.python, [join(import.meta.dirname, 'peers/decoding.py'), folder, String(seconds)], {
  stdio: ['pipe', 'pipe', 'inherit'],
});
try {
  const answers = createInterface({ input: peer.stdout })[Symbol.asyncIterator]();
  const answer = async () => {
    const { value, done } = await answers.next();
    if (done === true) throw new Error('Pillow has ended early');
    return Number(value);
  };
  // It writes the images first.
  await answer();
  const theirs = async (file: string, [height, width]: readonly [number, number]) => {
    peer.stdin.write(`${file} ${height} ${width}\n`);
    return await answer();
  };
  console.log('images/s on one core: ours, Pillow, ratio');
  for (const { name, file, size } of kinds) {
    const bytes = await readFile(join(folder, file));
    const rates: [number, number][] = [];
    // The first round warms both up.
    for (let round = 0; round <= rounds; round++) {
      const rate: [number, number] = [await ours(bytes, size), await theirs(file, size)];
      if (round > 0) rates.push(rate);
    }
    const [own, other] = [median(rates.map(([a]) => a)), median(rates.map(([, b]) => b))];
    const ratio = median(rates.map(([a, b]) => a / b));
    console.log(`  ${name.padEnd(24)} ${Math.round(own)} ${Math.round(other)} ${ratio.toFixed(2)}`);
  }
} finally {
  peer.stdin.end();
  await once(peer, 'exit');
  await rm(folder, { recursive: true, force: true });
}
