import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, cpus } from 'node:os';
import { dirname, join } from 'node:path';
import util from 'node:util';
import { DistilleryError, type EngineInfo } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { compilerRefusal, stepSetting } from '../compiled/compile.ts';
import { copyNewTensors } from '../compiled/graph.ts';
import { asGlobal, openDawn } from './dawn.ts';
import { bfloat16Refusal } from '../ops/bfloat16.ts';
import { registerKernels } from '../ops/register.ts';
import { registerWasmKernels } from './wasm.ts';
import { registerWebgpuKernels } from './webgpu.ts';
import { enableSynchronousReads } from './webgpu-read.ts';

/** The engines, in the order in which they are tried. */
export const engineNames = ['gpu', 'native', 'webgpu', 'wasm'] as const;
export type EngineName = (typeof engineNames)[number];

const require = createRequire(import.meta.url);

interface Engine {
  /** The name in logs and reports. */
  title: string;
  /**
   * Loads the package and makes its backend the current one. `automatic` is true if the engine was not named
   * explicitly.
   */
  load: (automatic: boolean) => Promise<Loaded>;
}

interface Loaded {
  versions: Record<string, string>;
  /** The device that it computes on, if it is not the CPU. */
  device?: string;
}

const engines: Record<EngineName, Engine> = {
  gpu: { title: 'TensorFlow on a GPU', load: async () => loadTensorFlow('@tensorflow/tfjs-node-gpu', true) },
  native: {
    title: 'TensorFlow on the CPU',
    load: async () => loadTensorFlow('@tensorflow/tfjs-node', false),
  },
  webgpu: { title: 'WebGPU', load: loadWebgpu },
  wasm: { title: 'WebAssembly', load: loadWasm },
};

let started: Promise<EngineInfo> | undefined;

/**
 * Starts the engine of this process. Later calls return the same engine.
 *
 * @param forced the engine, as the setting ENGINE names it; undefined, empty or 'auto' tries GPU, native CPU, WebGPU
 *   and WASM in turn
 * @throws DistilleryError `engine_unavailable` if the forced engine, or every engine, cannot start
 */
export function startEngine(forced = process.env.ENGINE): Promise<EngineInfo> {
  started ??= start(forced).then(requireCompiler);
  return started;
}

async function start(forced: string | undefined): Promise<EngineInfo> {
  const automatic = forced === undefined || forced === '' || forced === 'auto';
  if (!automatic && !engineNames.includes(forced as EngineName)) {
    throw new DistilleryError(
      'engine_unavailable',
      `ENGINE is ${JSON.stringify(forced)}: it must be one of auto, ${engineNames.join(', ')}`,
    );
  }
  const failures: string[] = [];
  for (const name of automatic ? engineNames : [forced as EngineName]) {
    try {
      const loaded = await engines[name].load(automatic);
      await tf.ready();
      registerKernels();
      return describe(name, loaded);
    } catch (error) {
      if (!automatic) {
        throw new DistilleryError(
          'engine_unavailable',
          `the engine ${name} cannot start: ${message(error)}`,
          {
            cause: error,
          },
        );
      }
      failures.push(`${name}: ${message(error)}`);
    }
  }
  throw new DistilleryError('engine_unavailable', `no engine can start (${failures.join('; ')})`);
}

function requireCompiler(engine: EngineInfo): EngineInfo {
  if (stepSetting() !== 'compiled' || engine.eagerSteps === null) return engine;
  throw new DistilleryError('engine_unavailable', `STEP is compiled, but ${engine.eagerSteps}`);
}

/** Checks for the native addon first: without it the package would register its kernels before it fails. */
function requireAddon(packageName: string): void {
  const folder = dirname(require.resolve(`${packageName}/package.json`));
  if (existsSync(join(folder, 'lib/napi-v8/tfjs_binding.node'))) return;
  throw new Error(`the native addon of ${packageName} is not built here (scripts/setup.mjs builds it)`);
}

function loadTensorFlow(packageName: string, gpu: boolean): Loaded {
  requireAddon(packageName);
  // The binding uses a function that Node 23 removed.
  const legacy = util as unknown as Record<string, unknown>;
  legacy.isNullOrUndefined ??= (value: unknown) => value === undefined || value === null;
  // This hides TensorFlow's greeting on stderr, but not its warnings and errors.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '1';
  if (gpu) process.env.TF_FORCE_GPU_ALLOW_GROWTH ??= 'true';
  // An import would first look for the names of all exports in a megabyte of source text.
  const { version } = require(packageName) as TensorFlowModule;
  if (tf.getBackend() !== 'tensorflow') throw new Error(`${packageName} did not register its backend`);
  copyNewTensors();
  const backend = tf.backend() as unknown as { isUsingGpuDevice: boolean; binding: { TF_Version: string } };
  if (gpu && !backend.isUsingGpuDevice) throw new Error('TensorFlow finds no GPU');
  return {
    versions: {
      tfjs: version.tfjs,
      'tfjs-node': version['tfjs-node'],
      tensorflow: backend.binding.TF_Version,
    },
  };
}

interface TensorFlowModule {
  version: { tfjs: string; 'tfjs-node': string };
}

async function loadWebgpu(automatic: boolean): Promise<Loaded> {
  const dawn = await openDawn();
  const { description, vendor, architecture, isFallbackAdapter } = dawn.adapter.info;
  // An emulated GPU is far slower than WebAssembly and only useful for tests.
  if (automatic && isFallbackAdapter) throw new Error(`${description} is an emulation, not a GPU`);
  await asGlobal(dawn, async () => {
    await import('@tensorflow/tfjs-backend-webgpu');
    if (!(await tf.setBackend('webgpu'))) throw new Error('the WebGPU backend did not start');
  });
  registerGradients();
  enableSynchronousReads(dawn);
  registerWebgpuKernels();
  const { version } = require('webgpu/package.json') as { version: string };
  return {
    versions: { tfjs: tf.version_core, webgpu: version },
    device: description || `${vendor} ${architecture}`,
  };
}

async function loadWasm(): Promise<Loaded> {
  const wasm = await import('@tensorflow/tfjs-backend-wasm');
  const entry = require.resolve('@tensorflow/tfjs-backend-wasm');
  wasm.setWasmPaths(`${entry.slice(0, entry.lastIndexOf('/'))}/`);
  const before = crashListeners();
  const ready = await tf.setBackend('wasm');
  // Emscripten's handlers rethrow uncaught errors from a line of 70 kB, which Node would print.
  for (const [event, listener] of crashListeners()) {
    if (!before.some(([, known]) => known === listener)) process.off(event, listener);
  }
  if (!ready) throw new Error('the WebAssembly backend did not start');
  registerGradients();
  registerWasmKernels();
  return { versions: { tfjs: tf.version_core, wasm: wasm.version_wasm } };
}

/** Registers the stock gradients, which the TensorFlow.js core lacks and the complete library provides. */
function registerGradients(): void {
  // An ES import would load the browser build and a second core, so this must be `require`.
  require('@tensorflow/tfjs');
}

function crashListeners(): [string, () => void][] {
  return ['uncaughtException', 'unhandledRejection'].flatMap((event) =>
    process.listeners(event as never).map((listener) => [event, listener] as never),
  );
}

function describe(name: EngineName, { versions, device }: Loaded): EngineInfo {
  const processors = cpus();
  const machine = `${process.platform} ${process.arch}, ${processors.length} × ${processors[0]?.model.trim() ?? 'unknown'}`;
  return {
    name,
    backend: engines[name].title,
    bfloat16: bfloat16Refusal(),
    eagerSteps: compilerRefusal() ?? null,
    threads:
      name === 'wasm' || name === 'webgpu'
        ? 1
        : Number(process.env.TF_NUM_INTRAOP_THREADS ?? availableParallelism()),
    versions: { node: process.versions.node, ...versions },
    hardware: device === undefined ? machine : `${machine}, ${device}`,
    gigaflops: null,
  };
}

function message(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0];
}
