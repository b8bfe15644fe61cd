import * as tf from '@tensorflow/tfjs-core';
import { type Dawn, type GpuBuffer, mapNow } from './dawn.ts';

/** The parts of the backend that are used here. */
interface WebgpuBackend {
  device: {
    addEventListener(type: 'uncapturederror', listener: (event: Refusal) => void): void;
  };
  tensorMap: tf.DataStorage<{
    values?: tf.TypedArray | Uint8Array[] | null;
    dtype: tf.DataType;
    resource?: GpuBuffer | null;
  }>;
  bufferManager: {
    acquireBuffer(size: number, usage: number): GpuBuffer;
    releaseBuffer(buffer: GpuBuffer): void;
  };
  commandEncoder: {
    copyBufferToBuffer(from: GpuBuffer, at: number, to: GpuBuffer, atTo: number, size: number): void;
  };
  ensureCommandEncoderReady(): void;
  endComputePassEncoder(): void;
  submitQueue(): void;
  readSync(id: tf.DataId): tf.BackendValues;
  convertAndCacheOnCPU(id: tf.DataId, values: tf.BackendValues): tf.BackendValues;
}

interface Refusal {
  error: { message: string };
  /** Keeps Dawn from writing it to stderr. */
  preventDefault(): void;
}

/** GPUBufferUsage.MAP_READ and COPY_DST */
const readable = 0x1 | 0x8;

/**
 * Lets `dataSync` work: the backend reads at once through a canvas, which Node has not; this one waits for Dawn.
 *
 * A reading throws once the GPU has refused an operation (a buffer beyond its limits, say): WebGPU reports that to
 * nobody who does not ask, and goes on with zeros.
 */
export function readAtOnce(dawn: Dawn): void {
  const backend = tf.backend() as unknown as WebgpuBackend;
  let refused: Error | undefined;
  backend.device.addEventListener('uncapturederror', (event) => {
    // The first says why; those that follow from it would fill the log.
    event.preventDefault();
    refused ??= new Error(`the GPU refused an operation: ${event.error.message}`);
  });
  const stock = backend.readSync.bind(backend);
  backend.readSync = (id) => {
    const { values, dtype, resource } = backend.tensorMap.get(id);
    // The stock way for what is on the CPU already, and for complex numbers, which are read as two tensors.
    if (values != null || resource == null || dtype === 'complex64') return stock(id);
    const bytes = download(backend, dawn, resource);
    if (refused !== undefined) throw refused;
    const numbers = tf.util.convertBackendValuesAndArrayBuffer(bytes, dtype);
    return backend.convertAndCacheOnCPU(id, numbers);
  };
}

function download(backend: WebgpuBackend, dawn: Dawn, buffer: GpuBuffer): ArrayBuffer {
  const { size } = buffer;
  const staging = backend.bufferManager.acquireBuffer(size, readable);
  backend.ensureCommandEncoderReady();
  backend.endComputePassEncoder();
  backend.commandEncoder.copyBufferToBuffer(buffer, 0, staging, 0, size);
  backend.submitQueue();
  mapNow(dawn, staging);
  const bytes = staging.getMappedRange().slice(0);
  staging.unmap();
  backend.bufferManager.releaseBuffer(staging);
  return bytes;
}
