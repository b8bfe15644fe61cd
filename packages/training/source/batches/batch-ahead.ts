import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { isAugmented, mixesLabels } from '@distillery/datasets';
import { DistilleryError } from '@distillery/spec';
import type { Answer, Batch, BatchRequest, BatchSource, Opening } from './batch-thread.ts';
import { batchThread } from './thread.ts';

/** The number of batches that are prepared ahead: one is ready while the next one is being prepared. */
const ahead = 2;

/**
 * Yields the batches of `requests` in their order. A second thread prepares them while the caller computes, because native
 * calls block the caller's thread. It needs memory for a few batches and for the rows that the split's reader caches,
 * regardless of the size of the data set. Ending the iteration, early or with an error, ends the run.
 *
 * @throws DistilleryError the error of the thread, for example `artifact_corrupt`; `internal` when the thread has ended
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
  const { augmentation, pool, ...rest } = source;
  // A run without an augmentation, or without pairs, need not load transforms, or copy the indices.
  const augmented = augmentation !== undefined && isAugmented(augmentation);
  const plain = {
    ...rest,
    dataset: { shape, normalization },
    split: { reader, labels, count },
    augmentation: augmented ? augmentation : undefined,
    ...(augmented && pool !== undefined && mixesLabels(augmentation) && { pool }),
  };
  thread.worker.postMessage({ source: plain, port: port2 } satisfies Opening, [port2]);
  let inFlight = 0;
  try {
    for (const request of requests) {
      // A copy: transferring a view would transfer the whole array.
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
    // Take a batch that is ready even if the event loop has not delivered it yet.
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
  const cause = new Error(`in the batch thread: ${stack}`);
  return new DistilleryError(code ?? 'internal', message, { cause });
}
