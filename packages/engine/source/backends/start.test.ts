import { execFile } from 'node:child_process';
import { expect, test } from 'vitest';
import { engineNames } from './start.ts';

interface Outcome {
  stderr: string;
  engine?: { name: string; backend: string; versions: Record<string, string>; threads: number };
  error?: { code: string; message: string; hasCause: boolean };
}

/** Starts an engine in a separate process, because a process has one engine and a backend cannot be unloaded. */
function start(engine: string | undefined): Promise<Outcome> {
  const program = `
    const { startEngine } = await import(${JSON.stringify(new URL('start.ts', import.meta.url).href)});
    try {
      const first = startEngine();
      if (first !== startEngine('wasm')) throw new Error('started twice');
      console.log(JSON.stringify({ engine: await first }));
    } catch ({ code, message, cause }) {
      console.log(JSON.stringify({ error: { code, message, hasCause: cause !== undefined } }));
    }`;
  const { ENGINE: _, ...rest } = process.env;
  const env = { ...rest, CUDA_VISIBLE_DEVICES: '', ...(engine === undefined ? {} : { ENGINE: engine }) };
  return new Promise((resolve, reject) => {
    const argv = ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', program];
    execFile(process.execPath, argv, { env }, (error, stdout, stderr) => {
      if (error === null) resolve({ ...JSON.parse(stdout.trim().split('\n').at(-1) ?? ''), stderr });
      else reject(new Error(stderr, { cause: error }));
    });
  });
}

test('refuses an unknown engine', async () => {
  const { error } = await start('quantum');
  expect(error).toMatchObject({
    code: 'engine_unavailable',
    message: 'ENGINE is "quantum": it must be one of auto, gpu, native, webgpu, wasm',
  });
}, 30_000);

test('a forced engine that cannot start is an error and is not replaced by another', async () => {
  // No GPU is visible to the process, so this engine cannot start on any machine.
  const { error, engine } = await start('gpu');
  expect(engine).toBeUndefined();
  expect(error).toMatchObject({ code: 'engine_unavailable', hasCause: true });
  expect(error?.message).toMatch(/^the engine gpu cannot start: ./);
}, 30_000);

test('without a forced engine, the first that can start is used', async () => {
  expect(engineNames).toEqual(['gpu', 'native', 'webgpu', 'wasm']);
  const [native, wasm, ...unforced] = await Promise.all(['native', 'wasm', undefined, 'auto'].map(start));
  expect(wasm.engine).toMatchObject({ name: 'wasm', backend: 'WebAssembly', threads: 1 });
  // A machine with a GPU but without TensorFlow's library uses WebGPU.
  const first = native.engine === undefined ? ['webgpu', 'wasm'] : ['native'];
  for (const { engine, stderr } of unforced) {
    expect(first).toContain(engine?.name);
    expect(stderr, 'an engine that was tried before left its kernels').not.toContain('already registered');
    expect(engine?.versions.node).toBe(process.versions.node);
  }
}, 60_000);
