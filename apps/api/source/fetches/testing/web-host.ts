import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A host on a loopback port that serves one file, well or badly. */
export interface WebHost {
  url: string;
  /** The requests, in their order. */
  asked: {
    path: string;
    range: string | undefined;
    ifRange: string | undefined;
    authorization: string | undefined;
  }[];
  /** Answers the next requests instead of serving the file; an entry for each. */
  answers: ((request: IncomingMessage, response: ServerResponse) => void)[];
  file: Buffer;
  etag: string | undefined;
  close(): Promise<void>;
}

/**
 * Starts a host that serves a file under every path, with its entity tag, and parts of it to those who ask for them, as nginx does.
 *
 * @param cutAfter the connection is cut after so many bytes of a response
 */
export async function startWebHost(
  file: Buffer,
  { address = '127.0.0.1', cutAfter = Infinity }: { address?: string; cutAfter?: number } = {},
): Promise<WebHost> {
  const server = createServer((request, response) => {
    const { url = '', headers } = request;
    host.asked.push({
      path: url,
      range: headers.range,
      ifRange: headers['if-range'] as string | undefined,
      authorization: headers.authorization,
    });
    const answer = host.answers.shift();
    if (answer !== undefined) return answer(request, response);
    const { etag } = host;
    if (etag !== undefined) response.setHeader('etag', etag);
    const [, from] = /^bytes=(\d+)-$/.exec(headers.range ?? '') ?? [];
    const start = from !== undefined && headers['if-range'] === etag ? Number(from) : 0;
    const bytes = host.file.subarray(start);
    response.writeHead(start > 0 ? 206 : 200, {
      'content-length': bytes.length,
      ...(start > 0 && { 'content-range': `bytes ${start}-${host.file.length - 1}/${host.file.length}` }),
    });
    if (bytes.length <= cutAfter) return response.end(bytes);
    response.write(bytes.subarray(0, cutAfter), () => setTimeout(() => response.destroy(), 20));
  });
  await new Promise<void>((listening) => server.listen(0, address, listening));
  const { port } = server.address() as AddressInfo;
  const host: WebHost = {
    url: `http://${address}:${port}`,
    asked: [],
    answers: [],
    file,
    etag: '"1"',
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
  return host;
}
