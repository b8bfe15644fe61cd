/**
 * Damages files of every kind that people bring, and reads them as the service does:
 *
 *     npm run fuzz:archives -- --files 10000 --seed 1
 *
 * A file must be read or refused by an error that names it: a crash, a hang, another error, and a file outside of the cache are
 * faults, with the number of the file, and make the program fail. `--kind` chooses one kind, `--first` the number of its first file.
 */
import { parseArgs } from 'node:util';
import { fuzzKinds } from './kinds.ts';
import { runKind } from './run-kind.ts';

const { values } = parseArgs({
  options: {
    files: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    kind: { type: 'string' },
    first: { type: 'string', default: '0' },
  },
});
const kinds = values.kind === undefined ? fuzzKinds : [values.kind];
const each = Math.ceil(Number(values.files) / kinds.length);
let faults = 0;
console.log('| kind | files | read | refused | faults | longest, ms | peak memory, MiB |');
console.log('|---|--:|--:|--:|--:|--:|--:|');
for (const kind of kinds) {
  const task = { kind, first: Number(values.first), files: each, seed: Number(values.seed) };
  const end = await runKind(task);
  faults += end.faults.length;
  const numbers = [each, end.read, end.refused, end.faults.length, end.longestMs, end.peakBytes / 2 ** 20];
  console.log(`| ${[kind, ...numbers.map((number) => Math.round(number))].join(' | ')} |`);
  for (const fault of end.faults.slice(0, 10)) console.log(fault);
}
console.log(`${each * kinds.length} files, ${faults} faults`);
process.exitCode = faults > 0 ? 1 : 0;
