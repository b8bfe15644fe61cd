import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A network between a process and its Redis, to be disturbed. */
export interface Proxy {
  port: number;
  /** Resets every connection; new ones are reset too. */
  cut(): void;
  /** Bytes vanish both ways and nobody is told; new connections open, and hear nothing. */
  blackhole(): void;
  /** New connections work again. Those that have lost bytes are reset, as a router does that has forgotten them. */
  restore(): void;
  close(): Promise<void>;
}

/** Passes bytes between a free loopback port and `target`, another one. */
export async function startProxy(target: number): Promise<Proxy> {
  let state: 'open' | 'cut' | 'blackhole' = 'open';
  const pairs = new Set<[Socket, Socket]>();
  const lossy = new Set<[Socket, Socket]>();
  const server = createServer((near) => {
    near.on('error', () => {});
    if (state === 'cut') return void near.resetAndDestroy();
    const far = connect(target, '127.0.0.1');
    const pair: [Socket, Socket] = [near, far];
    pairs.add(pair);
    if (state === 'blackhole') lossy.add(pair);
    for (const [from, to] of [pair, pair.toReversed() as [Socket, Socket]]) {
      from.on('error', () => {});
      from.on('data', (bytes) => {
        // Commands and replies are small: what Node buffers here stays small too.
        if (!lossy.has(pair)) to.write(bytes);
      });
      from.on('close', () => {
        pairs.delete(pair);
        if (!lossy.delete(pair)) to.destroy();
        // Whoever is behind a black hole does not hear that the other one has gone.
        else if (state !== 'blackhole') to.resetAndDestroy();
        else lossy.add(pair);
      });
    }
  });
  const reset = (some: Set<[Socket, Socket]>) => {
    for (const pair of Array.from(some)) for (const socket of pair) socket.resetAndDestroy();
    some.clear();
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      state = 'cut';
      reset(pairs);
    },
    blackhole() {
      state = 'blackhole';
      for (const pair of pairs) lossy.add(pair);
    },
    restore() {
      state = 'open';
      reset(lossy);
    },
    async close() {
      state = 'cut';
      reset(pairs);
      reset(lossy);
      server.close();
      await once(server, 'close');
    },
  };
}
