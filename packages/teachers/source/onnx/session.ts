import { availableParallelism } from 'node:os';
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { DistilleryError } from '@distillery/spec';

/** What a model says of one of its inputs or outputs. A dimension without a fixed length is a name. */
export interface PortFacts {
  name: string;
  type: string;
  shape: readonly (number | string)[];
}

/** A tensor of float32 that a model has put out. */
export interface Output {
  shape: number[];
  data: Float32Array;
}

/** A model that is loaded in a thread of its own. */
export interface OnnxSession {
  inputs: readonly PortFacts[];
  outputs: readonly PortFacts[];
  /**
   * Runs the model and waits for it.
   *
   * @throws RangeError with the reason of ONNX Runtime
   */
  run(
    input: { name: string; shape: readonly number[]; data: Float32Array },
    names: readonly string[],
  ): Output[];
  close(): void;
}

/** The longest that one batch may take, in ms. */
const patience = 600_000;

/** The command that installs the library, which is no part of a plain installation because it takes 290 MB. */
const installation = 'ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node@1';

/**
 * ONNX Runtime answers by promises, but a teacher is asked in the middle of a step. So it runs in a thread, for which the caller can
 * wait. The text runs as it is, as plain JavaScript, in a checkout and in a build.
 */
const script = `
  const { parentPort, workerData } = require('node:worker_threads');
  const { library, model, threads, port, flag } = workerData;
  const done = (message, transfer) => {
    port.postMessage(message, transfer);
    Atomics.store(flag, 0, 1);
    Atomics.notify(flag, 0);
  };
  (async () => {
    const module = await import(library);
    const ort = module.default ?? module;
    const session = await ort.InferenceSession.create(model, { intraOpNumThreads: threads, logSeverityLevel: 3 });
    port.on('message', async ({ input, names }) => {
      try {
        const results = await session.run({ [input.name]: new ort.Tensor('float32', input.data, input.shape) }, names);
        const values = names.map((name) => {
          const { type, dims, data } = results[name];
          if (type !== 'float32') throw new Error('the tensor ' + name + ' has the type ' + type + ', expected float32');
          return { shape: [...dims], data: Float32Array.from(data) };
        });
        done({ values }, values.map(({ data }) => data.buffer));
      } catch (error) {
        done({ failure: String(error?.message ?? error) });
      }
    });
    const facts = ({ name, type, shape }) => ({ name, type, shape: [...(shape ?? [])] });
    parentPort.postMessage({ inputs: session.inputMetadata.map(facts), outputs: session.outputMetadata.map(facts) });
  })().catch((error) => parentPort.postMessage({ failure: String(error?.message ?? error) }));
`;

/**
 * Loads an ONNX model.
 *
 * @param library the package of ONNX Runtime
 * @throws DistilleryError `engine_unavailable` where ONNX Runtime is not installed; RangeError for a model that it cannot load
 */
export async function openSession(model: Uint8Array, library = 'onnxruntime-node'): Promise<OnnxSession> {
  const url = urlOf(library);
  const { port1: port, port2: far } = new MessageChannel();
  const flag = new Int32Array(new SharedArrayBuffer(4));
  const workerData = { library: url, model, threads: availableParallelism(), port: far, flag };
  const worker = new Worker(script, { eval: true, execArgv: [], workerData, transferList: [far] });
  worker.unref();
  const close = () => {
    port.close();
    void worker.terminate();
  };
  const opened = await new Promise<Pick<OnnxSession, 'inputs' | 'outputs'> | { failure: string }>(
    (resolve) => {
      worker.once('message', resolve);
      worker.once('error', ({ message }) => resolve({ failure: message }));
    },
  );
  if ('failure' in opened) {
    close();
    throw new RangeError(`is no ONNX model that ONNX Runtime can load: ${opened.failure.trim()}`);
  }
  return { ...opened, close, run };

  function run(input: Parameters<OnnxSession['run']>[0], names: readonly string[]): Output[] {
    Atomics.store(flag, 0, 0);
    port.postMessage({ input, names });
    if (Atomics.wait(flag, 0, 0, patience) === 'timed-out') {
      throw new RangeError(`takes longer than ${patience / 1000} s for one batch`);
    }
    const answer = receiveMessageOnPort(port)?.message as
      | { values: Output[] }
      | { failure: string }
      | undefined;
    if (answer !== undefined && 'values' in answer) return answer.values;
    throw new RangeError(`cannot be run: ${answer?.failure ?? 'its thread has ended'}`);
  }
}

function urlOf(library: string): string {
  try {
    return import.meta.resolve(library);
  } catch (cause) {
    throw new DistilleryError(
      'engine_unavailable',
      `teachers of the type onnx need ONNX Runtime, which is not installed here; \`${installation}\` installs it`,
      { cause },
    );
  }
}
