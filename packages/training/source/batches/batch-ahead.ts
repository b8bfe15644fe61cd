import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { DistilleryError } from '@distillery/spec';
import type { Answer, Batch, BatchRequest, BatchSource, Opening } from './batch-thread.ts';
import { batchThread } from './thread.ts';

/** Batches that are ready or being made while the caller computes: one to take next, one to make meanwhile. */
const ahead = 2;

/**
 * The batches of `requests`, in their order, prepared by a second thread while the caller computes: native calls block
 * the caller's own. Memory is bounded by a few batches and by what the
 * split's reader keeps, whatever the data set.
 *
 * The bytes are those of the split's reader, `batchMaker` and `openRows`. The thread opens the inputs itself, and a
 * batch's buffers become the caller's. The run ends with the iteration, early ends and errors included.
 *
 * @throws DistilleryError what the thread failed with, e.g. `artifact_corrupt`; `internal` when the thread ended
 */
export async function* batchesAhead(
  source: BatchSource,
  requests: Iterable<BatchRequest>,
): AsyncGenerator<Batch, void> {
  const thread = batchThread();
  const { port1: port, port2 } = new MessageChannel();
  const arrived: (Answer | DistilleryError)[] = [];
  let wake = () => {};
  const arrive = (answer: Answer | DistilleryError) => {
    arrived.push(answer);
    wake();
  };
  port.on('message', arrive);
  port.unref();
  thread.onEnd.add(arrive);
  const { shape, normalization } = source.dataset;
  const { reader, labels, count } = source.split;
  const plain = { ...source, dataset: { shape, normalization }, split: { reader, labels, count } };
  thread.worker.postMessage({ source: plain, port: port2 } satisfies Opening, [port2]);
  let inFlight = 0;
  try {
    for (const request of requests) {
      // A view of a longer array would take all of it along.
      const indices = request.indices.slice();
      port.postMessage({ ...request, indices }, [indices.buffer]);
      if (++inFlight > ahead) yield await next();
    }
    while (inFlight > 0) yield await next();
  } finally {
    thread.onEnd.delete(arrive);
    port.close();
  }

  async function next(): Promise<Batch> {
    // A batch that is ready is taken at once: the event loop may not have turned since it came.
    let answer = arrived.shift() ?? (receiveMessageOnPort(port)?.message as Answer | undefined);
    while (answer === undefined) {
      await thread.waitFor(
        new Promise<void>((resolve) => {
          wake = resolve;
        }),
      );
      answer = arrived.shift();
    }
    inFlight--;
    if (answer instanceof DistilleryError) throw answer;
    if ('failure' in answer) throw failed(answer.failure);
    return answer.batch;
  }
}

function failed({ code, message, stack }: Extract<Answer, { failure: unknown }>['failure']): DistilleryError {
  const cause = new Error(`in the thread that prepares batches: ${stack}`);
  return new DistilleryError(code ?? 'internal', message, { cause });
}
