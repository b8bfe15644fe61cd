import { vulkanDrivers } from './vulkan.ts';

/**
 * Dawn, Chromium's WebGPU, in Node: the package `webgpu`. A browser does not allow a program to block until the GPU has
 * finished. Dawn can be polled for finished work, which makes a synchronous read possible.
 */

/** The part of WebGPU that this file uses. */
interface Adapter {
  readonly info: {
    vendor: string;
    architecture: string;
    description: string;
    /** Whether the GPU is emulated on the CPU. */
    isFallbackAdapter: boolean;
  };
  readonly features: unknown;
  readonly limits: unknown;
  requestDevice(descriptor: unknown): Promise<object>;
}

export interface GpuBuffer {
  readonly size: number;
  readonly mapState: 'unmapped' | 'pending' | 'mapped';
  mapAsync(mode: number): Promise<void>;
  getMappedRange(): ArrayBuffer;
  unmap(): void;
}

interface Gpu {
  requestAdapter(options?: { powerPreference: 'high-performance' }): Promise<Adapter | null>;
}

export interface Dawn {
  /** Dawn itself. Its devices do not keep it alive: release them before it. */
  instance: Gpu;
  adapter: Adapter;
  /** The callbacks that Dawn passed to setImmediate, which poll for finished work. */
  poll: Callback[];
  /** The classes and constants of WebGPU. */
  globals: object;
}

type Callback = () => void;

/** GPUMapMode.READ */
const read = 1;

/**
 * Opens the GPU of the machine, or an emulation on the CPU.
 *
 * @throws Error if there is no GPU or no driver
 */
export async function openDawn(): Promise<Dawn> {
  if (vulkanDrivers()?.length === 0) throw new Error('no Vulkan driver is installed');
  const { create, globals } = (await import('webgpu')) as unknown as {
    create: (options: string[]) => Gpu;
    globals: object;
  };
  const instance = create([]);
  const adapter = await instance.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter === null) throw new Error('WebGPU finds no GPU');
  return { instance, adapter, poll: [], globals };
}

/**
 * Provides WebGPU as a browser does, in the global `navigator`, while `use` runs. The global classes remain afterwards.
 */
export async function asGlobal({ adapter, globals, poll }: Dawn, use: () => Promise<void>): Promise<void> {
  Object.assign(globalThis, globals);
  const requestDevice = (descriptor: unknown) => {
    const [device, callbacks] = withImmediates(() => adapter.requestDevice(descriptor));
    // The callback can be called again at any time to poll for finished work.
    poll.push(...callbacks);
    for (const callback of callbacks) setImmediate(callback);
    return device;
  };
  const { features, info, limits } = adapter;
  const value = { gpu: { requestAdapter: async () => ({ features, info, limits, requestDevice }) } };
  const own = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
  Object.defineProperty(globalThis, 'navigator', { value, configurable: true });
  try {
    await use();
  } finally {
    // Node 20 has no navigator.
    if (own === undefined) Reflect.deleteProperty(globalThis, 'navigator');
    else Object.defineProperty(globalThis, 'navigator', own);
  }
}

/**
 * Maps a buffer for reading and blocks until it is mapped. Meanwhile it runs Dawn's callbacks and those that they
 * schedule, and no other part of the event loop.
 *
 * @throws Error if the GPU is lost
 */
export function mapNow({ poll }: Dawn, buffer: GpuBuffer): void {
  const mapped = buffer.mapAsync(read);
  // A failure is reported below.
  mapped.catch(() => {});
  let turn = poll;
  for (let turns = 0; buffer.mapState === 'pending'; turns++) {
    if (turns > patience) sleep(0.05);
    const [, next] = withImmediates(() => {
      for (const callback of turn) callback();
    });
    turn = next.length > 0 ? next : poll;
  }
  for (const callback of turn) setImmediate(callback);
  if (buffer.mapState !== 'mapped') throw new Error('the GPU was lost while reading a tensor');
}

/** The number of polls after which the thread sleeps in between, because an emulated GPU needs the processor. */
const patience = 20;

const neverNotified = new Int32Array(new SharedArrayBuffer(4));

function sleep(milliseconds: number): void {
  Atomics.wait(neverNotified, 0, 0, milliseconds);
}

/** Calls `f` and returns its result together with the callbacks that it passed to setImmediate, which have not run. */
function withImmediates<T>(f: () => T): [T, Callback[]] {
  const { setImmediate: own } = globalThis;
  const callbacks: Callback[] = [];
  globalThis.setImmediate = ((callback: Callback) => callbacks.push(callback)) as never;
  try {
    return [f(), callbacks];
  } finally {
    globalThis.setImmediate = own;
  }
}
