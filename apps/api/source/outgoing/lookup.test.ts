import { createServer, request, type RequestOptions } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { addressRule } from './addresses.ts';
import { AddressError, allowedAddresses, pinned } from './lookup.ts';

test('a connection goes to the addresses that were checked, and asks no resolver', async () => {
  const server = createServer((_, response) => response.writeHead(204).end());
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  const lookup = pinned([{ address: '127.0.0.1', family: 4 }]);
  // No resolver knows names below .invalid (RFC 6761).
  for (const autoSelectFamily of [true, false]) {
    const target = { host: 'rebound.invalid', port, agent: false };
    const options: RequestOptions = Object.assign(target, { lookup, autoSelectFamily });
    const status = await new Promise((resolve, reject) => {
      request(options, (response) => resolve(response.resume().statusCode))
        .on('error', reject)
        .end();
    });
    expect(status).toBe(204);
  }
  server.close();
});

test('of the addresses of a name only those that are allowed are used', async () => {
  const allows = addressRule(['127.0.0.1'], 'WEBHOOK_NETWORKS');
  expect(await allowedAddresses('localhost', allows)).toEqual([{ address: '127.0.0.1', family: 4 }]);
  expect(await allowedAddresses('[2606:4700::1111]', allows)).toEqual([
    { address: '2606:4700::1111', family: 6 },
  ]);
  await expect(allowedAddresses('localhost', addressRule([], 'WEBHOOK_NETWORKS'))).rejects.toBeInstanceOf(
    AddressError,
  );
  await expect(allowedAddresses('127.0.0.2', allows)).rejects.toThrow(
    '127.0.0.2 is not a public address; the setting WEBHOOK_NETWORKS can allow it',
  );
  await expect(allowedAddresses('nothing.invalid', allows)).rejects.toMatchObject({ syscall: 'getaddrinfo' });
});
