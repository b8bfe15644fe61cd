import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { finished, pipeline } from 'node:stream/promises';
import S3rver from 's3rver';

const bucket = 'distillery';
/** Where s3rver keeps the parts of uploads. */
const uploadsFolder = '._S3rver_uploads';
/** The account that s3rver knows. */
const account = 'S3RVER';

/** What goes wrong with a request: nothing is `undefined`. */
export type Fault =
  /** Answered with 503 SlowDown and not carried out. */
  | 'refused'
  /** The connection ends before the request is carried out. */
  | 'cut before'
  /** The request is carried out, and the connection ends without an answer. */
  | 'cut after'
  /** The answer ends in the middle of its body. */
  | 'cut within'
  /** The answer stops in the middle of its body, and its connection stays open. */
  | 'stalled';

export interface S3TestServer {
  /** The URL of a store below a prefix that no other test uses. */
  storeUrl(options?: Record<string, string>): string;
  /** Decides what goes wrong with each request; undefined again: nothing. */
  faults: ((method: string, path: string) => Fault | undefined) | undefined;
  /** Requests so far, by method. */
  readonly requests: Map<string, number>;
  /** The keys of all objects below the prefix of a store's URL, without that prefix. */
  keys(storeUrl: string): Promise<string[]>;
  /** Replaces the bytes of an object of a store, with a request of its own. */
  overwrite(storeUrl: string, key: string, bytes: Uint8Array): Promise<void>;
  /** Reads an object of a store, with a request of its own; undefined where it is absent. */
  read(storeUrl: string, key: string): Promise<Uint8Array | undefined>;
  /** Removes an object of a store, with a request of its own. */
  remove(storeUrl: string, key: string): Promise<void>;
  /** Moves the times of all objects of a store into the past. */
  age(storeUrl: string, milliseconds: number): Promise<void>;
  /** Uploads in parts that were begun and neither completed nor removed. */
  unfinishedUploads(): Promise<number>;
  close(): Promise<void>;
}

/**
 * Starts s3rver, a server with the interface of S3, on a free port, behind a proxy that adds what S3 has and s3rver lacks: writes with
 * `If-None-Match: *` are refused with 412 where the key is taken. s3rver writes objects in place, so that a reader may see half of one;
 * here they are renamed into place, as S3 does it. The proxy also makes requests go wrong.
 *
 * @param options.conditional false: the proxy passes `If-None-Match` through, and s3rver ignores it
 * @param options.folder kept when the server is closed; default: a temporary one
 */
export async function startS3Server(
  options: { conditional?: boolean; folder?: string; port?: number } = {},
): Promise<S3TestServer> {
  const { conditional = true, port = 0 } = options;
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'distillery-s3-')));
  process.env.AWS_ACCESS_KEY_ID = account;
  process.env.AWS_SECRET_ACCESS_KEY = account;
  const upstream = new S3rver({
    address: '127.0.0.1',
    port: 0,
    silent: true,
    directory: folder,
    configureBuckets: [{ name: bucket, configs: [] }],
  });
  useAtomicWrites(upstream, folder);
  const { port: upstreamPort } = await upstream.run();

  const requests = new Map<string, number>();
  const locks = new Map<string, Promise<unknown>>();
  /** Runs one write of a key after the other. */
  async function alone<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = locks.get(key) ?? Promise.resolve();
    const own = before.then(work, work);
    const settled = own.catch(() => undefined);
    locks.set(key, settled);
    try {
      return await own;
    } finally {
      if (locks.get(key) === settled) locks.delete(key);
    }
  }

  const agent = { host: '127.0.0.1', port: upstreamPort };
  const exists = async (path: string) => {
    const asked = request({ ...agent, method: 'HEAD', path });
    asked.end();
    const answer = await answerOf(asked);
    answer.resume();
    return answer.statusCode === 200;
  };

  async function forward(from: IncomingMessage, to: ServerResponse, fault: Fault | undefined) {
    const passed = request({ ...agent, method: from.method, path: from.url, headers: from.headers });
    const answered = answerOf(passed);
    await Promise.all([pipeline(from, passed), answered]);
    const answer = await answered;
    if (fault === 'cut after') {
      answer.resume();
      to.destroy();
      return;
    }
    to.writeHead(answer.statusCode ?? 502, answer.headers);
    if (fault !== 'cut within' && fault !== 'stalled') {
      await pipeline(answer, to);
      return;
    }
    const body: Buffer[] = [];
    for await (const chunk of answer) body.push(chunk as Buffer);
    const whole = Buffer.concat(body);
    to.write(whole.subarray(0, whole.length >> 1), () => fault === 'cut within' && to.destroy());
    if (whole.length === 0) to.destroy();
  }

  const state: Pick<S3TestServer, 'faults'> = { faults: undefined };
  async function handle(from: IncomingMessage, to: ServerResponse): Promise<void> {
    const { method = '', url = '' } = from;
    requests.set(method, (requests.get(method) ?? 0) + 1);
    const fault = state.faults?.(method, url);
    if (fault === 'cut before') {
      to.destroy();
      return;
    }
    if (fault === 'refused') {
      from.resume();
      await finished(from).catch(() => undefined);
      to.writeHead(503, { 'content-type': 'application/xml' }).end(xml('SlowDown'));
      return;
    }
    const [path] = url.split('?');
    if (method === 'GET' || method === 'HEAD') return await forward(from, to, fault);
    const uploadId = new URLSearchParams(url.split('?')[1]).get('uploadId');
    if (method === 'DELETE' && uploadId !== null) {
      // s3rver cannot remove an upload.
      await rm(join(folder, bucket, uploadsFolder, uploadId), { recursive: true, force: true });
      to.writeHead(204).end();
      return;
    }
    await alone(path, async () => {
      if (conditional && from.headers['if-none-match'] === '*' && (await exists(path))) {
        from.resume();
        await finished(from).catch(() => undefined);
        if (fault === 'cut after') to.destroy();
        else to.writeHead(412, { 'content-type': 'application/xml' }).end(xml('PreconditionFailed'));
        return;
      }
      await forward(from, to, fault);
    });
  }

  const proxy = createServer((from, to) => {
    handle(from, to).catch(() => to.destroy());
  });
  proxy.listen(port, '127.0.0.1');
  await new Promise((resolve) => proxy.once('listening', resolve));
  const endpoint = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;

  /** Asks s3rver itself, which answers requests without a signature; nothing goes wrong on the way. */
  async function ask(method: string, storeUrl: string, key: string, body?: Uint8Array): Promise<Response> {
    const path = `/${bucket}${new URL(storeUrl).pathname}/${key}`;
    const sent = body === undefined ? {} : { body: new Uint8Array(body) };
    const answer = await fetch(`http://127.0.0.1:${upstreamPort}${path}`, { method, ...sent });
    if (!answer.ok && answer.status !== 404) throw new Error(`${method} ${path}: ${answer.status}`);
    return answer;
  }

  return Object.assign(state, {
    requests,
    storeUrl: (more: Record<string, string> = {}) =>
      `s3://${bucket}/${randomUUID()}?${new URLSearchParams({ endpoint, ...more })}`,
    async keys(storeUrl: string) {
      const { pathname } = new URL(storeUrl);
      const all = await readdir(join(folder, bucket), { recursive: true });
      const suffix = '._S3rver_object';
      const prefix = `${pathname.slice(1)}/`;
      return all
        .filter((name) => name.startsWith(prefix) && name.endsWith(suffix))
        .map((name) => name.slice(prefix.length, -suffix.length))
        .sort();
    },
    async overwrite(storeUrl: string, key: string, bytes: Uint8Array) {
      await ask('PUT', storeUrl, key, bytes);
    },
    async read(storeUrl: string, key: string) {
      const answer = await ask('GET', storeUrl, key);
      return answer.status === 404 ? undefined : new Uint8Array(await answer.arrayBuffer());
    },
    async remove(storeUrl: string, key: string) {
      await ask('DELETE', storeUrl, key);
    },
    async age(storeUrl: string, milliseconds: number) {
      const place = join(folder, bucket, new URL(storeUrl).pathname);
      const then = new Date(Date.now() - milliseconds);
      for (const name of await readdir(place, { recursive: true }))
        await utimes(join(place, name), then, then);
    },
    async unfinishedUploads() {
      return (await readdir(join(folder, bucket, uploadsFolder)).catch(() => [])).length;
    },
    async close() {
      proxy.closeAllConnections();
      await new Promise((resolve) => proxy.close(resolve));
      await upstream.close();
      if (options.folder === undefined) await rm(folder, { recursive: true, force: true });
    },
  });
}

function answerOf(asked: ReturnType<typeof request>): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => asked.once('response', resolve).once('error', reject));
}

function xml(code: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`;
}

/** The methods of s3rver's store that are replaced; the rest of it stays. */
interface S3rverStore {
  getResourcePath(bucket: string, key: string | undefined, resource: string): string;
  getObject(...args: unknown[]): Promise<unknown>;
  existsObject(...args: unknown[]): Promise<unknown>;
  listObjects(...args: unknown[]): Promise<unknown>;
  deleteObject(...args: unknown[]): Promise<unknown>;
  putMetadata(bucket: string, key: string, metadata: unknown, md5: string): Promise<void>;
  putObject(object: { bucket: string; key: string; content: unknown; metadata: unknown }): Promise<unknown>;
  putPart(bucket: string, uploadId: string, part: number, content: NodeJS.ReadableStream): Promise<unknown>;
}

/** Lets s3rver write a whole file and rename it, one change at a time. */
function useAtomicWrites(server: S3rver, folder: string): void {
  const require = createRequire(import.meta.url);
  const FilesystemStore = require('s3rver/lib/stores/filesystem') as new (folder: string) => S3rverStore;
  let last: Promise<unknown> = Promise.resolve();
  const alone = <T>(work: () => Promise<T>): Promise<T> => {
    const own = last.then(work, work);
    last = own.catch(() => undefined);
    return own;
  };
  const drafts = join(folder, '..', `${folder.split('/').pop()}-drafts`);
  async function draftOf(content: unknown) {
    await mkdir(drafts, { recursive: true });
    const path = join(drafts, randomUUID());
    const source = Buffer.isBuffer(content) ? [content] : (content as NodeJS.ReadableStream);
    await pipeline(source, createWriteStream(path));
    const hash = createHash('md5');
    let size = 0;
    for await (const chunk of createReadStream(path)) {
      hash.update(chunk as Buffer);
      size += (chunk as Buffer).length;
    }
    return { path, size, md5: hash.digest('hex') };
  }
  class AtomicStore extends FilesystemStore {
    override getObject(...args: unknown[]) {
      return alone(() => super.getObject(...args));
    }
    override existsObject(...args: unknown[]) {
      return alone(() => super.existsObject(...args));
    }
    override listObjects(...args: unknown[]) {
      return alone(() => super.listObjects(...args));
    }
    override deleteObject(...args: unknown[]) {
      return alone(() => super.deleteObject(...args));
    }
    override async putObject({ bucket, key, content, metadata }: Parameters<S3rverStore['putObject']>[0]) {
      const { path, size, md5 } = await draftOf(content);
      const target = this.getResourcePath(bucket, key, 'object');
      await alone(async () => {
        await mkdir(dirname(target), { recursive: true });
        await rename(path, target);
        await this.putMetadata(bucket, key, metadata, md5);
      });
      return { size, md5 };
    }
    override async putPart(bucket: string, uploadId: string, part: number, content: NodeJS.ReadableStream) {
      const { path, size, md5 } = await draftOf(content);
      const target = join(this.getResourcePath(bucket, undefined, 'uploads'), uploadId, String(part));
      await rename(path, target);
      await writeFile(`${target}.md5`, md5);
      return { size, md5 };
    }
  }
  const store = new AtomicStore(folder);
  const holder = server as unknown as { store: unknown; context: { store: unknown } };
  holder.store = store;
  holder.context.store = store;
}
