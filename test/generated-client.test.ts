import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { openApiDocument } from '@distillery/api';
import { planSchema } from '@distillery/spec';
import { jobSpec, kinds } from '@distillery/training';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { npmTools } from './testing/npm-tool.ts';

// People generate clients from the OpenAPI description. This is what openapi-typescript makes of it with its defaults.
const run = promisify(execFile);
const root = resolve(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'distillery-client-'));
let tools: string | undefined;

beforeAll(async () => {
  // It works on TypeScript 5 alone.
  tools = await npmTools(['openapi-typescript@7.13.0', 'typescript@5.9.3']);
  if (tools === undefined) return;
  const document = await openApiDocument({ kinds, jobSpec, planSchema, stageKinds: [] });
  writeFileSync(join(folder, 'openapi.json'), JSON.stringify(document));
  await run(join(tools, 'openapi-typescript'), ['openapi.json', '-o', 'api.ts'], { cwd: folder });
}, 180_000);
afterAll(() => rmSync(folder, { recursive: true }));

/** Returns the errors of a program that imports the generated types. */
async function errorsOf(program: string): Promise<string> {
  const imports = "import type { components, operations, paths } from './api.ts';\n";
  writeFileSync(join(folder, 'program.ts'), imports + program);
  const options = ['--noEmit', '--strict', '--skipLibCheck', '--allowImportingTsExtensions'];
  return await run(join(tools as string, 'tsc'), [...options, 'program.ts'], { cwd: folder }).then(
    () => '',
    ({ stdout }: { stdout: string }) => stdout,
  );
}

test('a generated client takes the examples, without the fields that have defaults', {
  timeout: 60_000,
}, async (context) => {
  if (tools === undefined) return context.skip();
  const example = (name: string) => readFileSync(join(root, 'examples', `${name}.json`), 'utf8');
  const specs = ['first-steps', 'tutorial', 'layers', 'text', 'procedures/born_again', 'procedures/mutual'];
  const program = [
    "type Spec = components['schemas']['JobSpec'];",
    `export const specs: Spec[] = [${specs.map(example).join(',')}];`,
    "export const body: operations['submitJob']['requestBody']['content']['application/json'] = specs[0];",
    "export const again: paths['/v1/jobs/{id}/spec']['get']['responses'][200]['content']['application/json'] = body;",
    "export const query: operations['listJobs']['parameters']['query'] = {};",
    "export const read = (job: components['schemas']['Job']): string => job.state;",
  ].join('\n');
  expect(await errorsOf(program)).toBe('');

  const typo = example('first-steps').replace('"dataset"', '"datasets"');
  expect(await errorsOf(`export const spec: components['schemas']['JobSpec'] = ${typo};`)).toContain(
    `'"datasets"' does not exist in type`,
  );
});
