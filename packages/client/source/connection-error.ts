/** A request that got no complete response: the service was not reached, the connection was cut, or time ran out. */
export class ConnectionError extends Error {
  /** The URL of the request. */
  readonly url: string;

  constructor(url: string, cause: unknown) {
    super(`no response from ${url}: ${reasonOf(cause)}`, { cause });
    this.name = 'ConnectionError';
    this.url = url;
  }
}

/** The reason inside the TypeError of fetch, in engines that give one. */
function reasonOf(error: unknown): string {
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return inner instanceof Error ? inner.message || inner.name : String(inner);
}
