import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { JobSpecInput } from '@distillery/spec';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pythonTimeout, pythonWith } from './testing/python.ts';
import { type Service, startService } from './testing/service.ts';

const root = resolve(import.meta.dirname, '..');
const page = readFileSync(join(root, 'docs/sdk.md'), 'utf8').split('## Python\n')[1];
const block = (language: string): string => page.split(`\`\`\`${language}\n`)[1].split('```')[0];

let service: Service;
let python: string | undefined;
beforeAll(async () => {
  python = await pythonWith(['openapi-python-client']);
  if (python !== undefined) service = await startService();
}, pythonTimeout + 60_000);
afterAll(() => service?.close());

const spec: JobSpecInput = {
  dataset: { source: 'shapes', trainCount: 64, testCount: 32 },
  teacher: { architecture: { type: 'lightnn' } },
  students: [
    {
      name: 'soft',
      architecture: { type: 'lightnn' },
      method: [{ type: 'soft_target' }, { type: 'cross_entropy' }],
    },
  ],
  seeds: [1],
  training: { epochs: 1 },
};

test('the Python client of docs/sdk.md is generated, submits a job and reads its report', {
  timeout: 180_000,
}, async (context) => {
  if (python === undefined) return context.skip('openapi-python-client cannot be installed here');
  const here = (text: string) => text.replaceAll('http://127.0.0.1:8080', service.url);
  const cwd = service.folder;
  const run = (file: string, args: readonly string[]) =>
    promisify(execFile)(file, args, {
      cwd,
      env: { ...process.env, PYTHONPATH: join(cwd, 'distillery-client') },
    });
  await writeFile(join(cwd, 'python-client.yaml'), block('yaml'));
  const generate = block('sh')
    .split('\n')
    .find((line) => line.startsWith('openapi-python-client '))!;
  const [, ...args] = here(generate).split(' ');
  const { stdout } = await run(join(python, '..', 'openapi-python-client'), args);
  // A warning means that an operation or a schema is missing.
  expect(stdout).not.toMatch(/warning|error/i);

  await writeFile(join(cwd, 'first-steps.json'), JSON.stringify(spec));
  await writeFile(join(cwd, 'program.py'), here(block('python')));
  const program = await run(python, ['program.py']);
  expect(program.stdout).toMatch(/^control [\d.]+\nsoft [\d.]+\n$/);

  const wrong = { ...spec, seeds: [] };
  await writeFile(join(cwd, 'first-steps.json'), JSON.stringify(wrong));
  await expect(run(python, ['program.py'])).rejects.toMatchObject({
    stderr: expect.stringContaining('seeds'),
  });
});
