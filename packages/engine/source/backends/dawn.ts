import { vulkanDrivers } from './vulkan.ts';

/**
 * Dawn, Chromium's WebGPU, in Node: the package `webgpu`. Browsers let no program wait for its GPU; Dawn lets one ask
 * whether the work is done, and on that stands a reading that waits.
 */

/** The parts of WebGPU that are used here. */
interface Adapter {
  readonly info: {
    vendor: string;
    architecture: string;
    description: string;
    /** Does a program on the CPU play the GPU? */
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
  /** Dawn itself. Its devices do not keep it: let go of them before it. */
  instance: Gpu;
  adapter: Adapter;
  /** What Dawn handed to setImmediate, to look for finished work. */
  poll: Callback[];
  /** The classes and constants of WebGPU. */
  globals: object;
}

type Callback = () => void;

/** GPUMapMode.READ */
const read = 1;

/**
 * Opens the GPU of this machine, or the program that plays one.
 *
 * @throws Error where there is none, or no driver for it
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
 * Puts WebGPU where a browser has it while `use` runs, which asks for the adapter and its device. The classes stay.
 */
export async function asGlobal({ adapter, globals, poll }: Dawn, use: () => Promise<void>): Promise<void> {
  Object.assign(globalThis, globals);
  const requestDevice = (descriptor: unknown) => {
    const [device, callbacks] = withImmediates(() => adapter.requestDevice(descriptor));
    // The callback outlives its turn: called again at any time, it looks for finished work.
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
    // Node 20 has none.
    if (own === undefined) Reflect.deleteProperty(globalThis, 'navigator');
    else Object.defineProperty(globalThis, 'navigator', own);
  }
}

/**
 * Maps a buffer for reading and returns when it is: runs Dawn's callbacks, and those that they ask for, until then.
 * These are the turns of the event loop that concern Dawn, and no others.
 *
 * @throws Error when the device is lost
 */
export function mapNow({ poll }: Dawn, buffer: GpuBuffer): void {
  const mapped = buffer.mapAsync(read);
  // A failure is thrown below.
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
  if (buffer.mapState !== 'mapped') throw new Error('the GPU was lost while a tensor was read');
}

/** Turns of waiting after which the processor is given away; a driver in software needs it for its own work. */
const patience = 20;

const nothing = new Int32Array(new SharedArrayBuffer(4));

function sleep(milliseconds: number): void {
  Atomics.wait(nothing, 0, 0, milliseconds);
}

/** Calls `f` and returns, beside its result, what it handed to setImmediate; none of that has run. */
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
