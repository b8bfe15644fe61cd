interface Bounds {
  /** The most bytes of all parts together. */
  most: number;
  /** The bytes of a part, and the milliseconds after which it ends early. */
  partBytes: number;
  partMs: number;
}

/**
 * Splits a stream into parts, each a stream of its own that must be read to its end before the next. A stream that fails ends the
 * last part, so that what has come is kept.
 */
export function partsOf(bytes: AsyncIterable<Uint8Array>, { most, partBytes, partMs }: Bounds) {
  const source = bytes[Symbol.asyncIterator]();
  let rest: Uint8Array | undefined;
  let left = most;
  let [ended, cut, exceeded] = [false, false, false];

  async function next(): Promise<Uint8Array | undefined> {
    if (rest !== undefined) return rest;
    try {
      const { done, value } = await source.next();
      if (done !== true) return value;
    } catch {
      cut = true;
    }
    return undefined;
  }

  async function* part(): AsyncGenerator<Uint8Array> {
    const begun = performance.now();
    for (let room = partBytes; room > 0 && performance.now() - begun < partMs; ) {
      const chunk = await next();
      rest = undefined;
      if (chunk === undefined || left === 0) {
        exceeded = chunk !== undefined && chunk.length > 0;
        ended = true;
        return;
      }
      const taken = chunk.subarray(0, Math.min(room, left));
      if (taken.length < chunk.length) rest = chunk.subarray(taken.length);
      room -= taken.length;
      left -= taken.length;
      if (taken.length > 0) yield taken;
    }
  }

  async function* all(): AsyncGenerator<AsyncIterable<Uint8Array>> {
    while (!ended) {
      rest = await next();
      if (rest === undefined) return;
      yield part();
    }
  }

  return {
    parts: all(),
    /** Whether the stream failed. */
    cut: () => cut,
    /** Whether there were more bytes than allowed; those are left unread. */
    exceeded: () => exceeded,
  };
}
