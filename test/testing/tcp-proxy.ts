import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A network connection that a test can cut. */
export interface TcpProxy {
  /** The port of the proxy on loopback. */
  port: number;
  /**
   * Ends every connection and takes no more. With `halfOpen` neither side is told: data is lost, and is lost
   * on the connections of that time when the rest is restored, as behind a firewall that has forgotten them.
   */
  cut(how?: { halfOpen?: boolean }): void;
  /** Restores the network. `reset` closes connections that lost bytes, like a router that has dropped their state. */
  restore(how?: { reset?: boolean }): void;
  close(): Promise<void>;
}

/**
 * @param cutAfter how many bytes of the target each next connection may carry before it is reset; default: all
 * @param cutSent the same for the bytes of the client
 */
export async function startTcpProxy(
  target: number,
  cutAfter = () => Infinity,
  cutSent = () => Infinity,
): Promise<TcpProxy> {
  let state: 'whole' | 'closed' | 'silent' = 'whole';
  const links = new Set<{ ends: Socket[]; silent: boolean }>();
  const server = createServer((client) => {
    client.on('error', () => {});
    if (state === 'closed') return void client.resetAndDestroy();
    const link = { ends: [client], silent: state === 'silent' };
    links.add(link);
    if (!link.silent) link.ends.push(connect(target, '127.0.0.1'));
    const left = [cutSent(), cutAfter()];
    for (const [i, end] of link.ends.entries()) {
      end.setNoDelay(true);
      end.on('data', (bytes) => {
        if (link.silent) return;
        const to = link.ends[1 - i];
        const room = Math.max(0, left[i]);
        left[i] -= bytes.length;
        if (bytes.length <= room) return void to.write(bytes);
        // What is let through arrives before the connection ends.
        to.write(bytes.subarray(0, room), () => reset([link]));
      });
      end.on('error', () => {});
      end.on('close', () => {
        // The other side of a silent connection is not told, but the sockets here are released.
        if (!link.silent) for (const each of link.ends) each.destroy();
        if (link.ends.every(({ destroyed }) => destroyed)) links.delete(link);
      });
    }
  });
  const reset = (some: Iterable<{ ends: Socket[] }> = links) => {
    for (const { ends } of some) for (const end of ends) end.resetAndDestroy();
  };
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    cut({ halfOpen = false } = {}) {
      state = halfOpen ? 'silent' : 'closed';
      if (halfOpen) for (const link of links) link.silent = true;
      else reset();
    },
    restore({ reset: forgotten = false } = {}) {
      state = 'whole';
      if (forgotten) reset([...links].filter(({ silent }) => silent));
    },
    async close() {
      reset();
      server.close();
      await once(server, 'close');
    },
  };
}
