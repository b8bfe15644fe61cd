import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describedStudent, networks, planOf } from '../networks.ts';

/**
 * Returns the networks of the benchmark that have other numbers of parameters in PyTorch, with both numbers; none where
 * the two sides train the same networks.
 *
 * @param python a Python with torch
 */
export async function differingNetworks(python: string): Promise<string[]> {
  const script = join(import.meta.dirname, 'networks.py');
  const described = Object.values(networks).map(describedStudent);
  const { stdout } = await promisify(execFile)(python, [script, JSON.stringify(described)]);
  const theirs = JSON.parse(stdout) as number[];
  return Object.entries(networks).flatMap(([name, network], index) => {
    const { parameterCount } = planOf(network);
    return parameterCount === theirs[index]
      ? []
      : [`${name}: ${parameterCount} here, ${theirs[index]} there`];
  });
}
