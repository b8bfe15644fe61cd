import * as tf from '@tensorflow/tfjs-core';
import { type Dawn, type GpuBuffer, mapNow } from './dawn.ts';

/** The part of the WebGPU backend that this file uses. */
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
 * Makes `dataSync` work in Node. The backend reads synchronously through a canvas, which Node lacks; this version waits
 * for Dawn.
 *
 * Reading throws once the GPU has refused an operation, for example a buffer beyond its limits. Without this check
 * WebGPU would continue with zeros, because it reports such errors only to listeners.
 */
export function enableSynchronousReads(dawn: Dawn): void {
  const backend = tf.backend() as unknown as WebgpuBackend;
  let refused: Error | undefined;
  backend.device.addEventListener('uncapturederror', (event) => {
    // The first error names the cause; those that follow from it would fill the log.
    event.preventDefault();
    refused ??= new Error(`the GPU refused an operation: ${event.error.message}`);
  });
  const stock = backend.readSync.bind(backend);
  backend.readSync = (id) => {
    const { values, dtype, resource } = backend.tensorMap.get(id);
    // The stock function handles data that is already on the CPU, and complex numbers, which it reads as two tensors.
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
