import { expect, test } from 'vitest';
import { parseRedisUrl } from './redis-url.ts';

test.each([
  ['redis://localhost', { kind: 'server', hosts: [{ host: 'localhost', port: 6379 }], tls: false, db: 0 }],
  [
    'rediss://me:p%40ss%3A@[::1]:7/3?ca=/etc/ca.pem&cert=c.pem&key=k.pem',
    {
      kind: 'server',
      hosts: [{ host: '::1', port: 7 }],
      tls: true,
      username: 'me',
      password: 'p@ss:',
      db: 3,
      ca: '/etc/ca.pem',
      cert: 'c.pem',
      key: 'k.pem',
    },
  ],
  [
    'redis+sentinel://:secret@a:1,b/my-master/2?sentinel_password=other',
    {
      kind: 'sentinel',
      hosts: [
        { host: 'a', port: 1 },
        { host: 'b', port: 26379 },
      ],
      tls: false,
      password: 'secret',
      master: 'my-master',
      db: 2,
      sentinelPassword: 'other',
    },
  ],
  [
    'rediss+cluster://10.0.0.1:7000,10.0.0.2:7001/0',
    {
      kind: 'cluster',
      hosts: [
        { host: '10.0.0.1', port: 7000 },
        { host: '10.0.0.2', port: 7001 },
      ],
      tls: true,
      db: 0,
    },
  ],
])('%s', (url, address) => {
  expect(parseRedisUrl(url)).toEqual(address);
});

test.each([
  ['http://u:hidden@h', /begins with redis:\/\/.* http:\/\//],
  ['localhost:6379', /begins with redis:\/\//],
  ['redis://u:hidden@h:99999', /"h:99999" .*not a host and a port/],
  ['redis://u:hidden@', /"" .*not a host and a port/],
  ['redis://u:hidden@a:1,b:2', /a:1,b:2 is more than one server/],
  ['redis://u:hidden@h/one', /"one" .*number of a database/],
  ['redis://u:hidden@h?ca=x.pem', /"ca": only with rediss/],
  ['rediss://u:hidden@h?tls=no', /"tls", but ca, cert, key/],
  ['redis://u:hidden%@h', /password .* % .*%25/],
  ['redis+sentinel://u:hidden@h:1', /needs the name of the master/],
  ['redis+cluster://u:hidden@h:1/4', /only database 0, the URL asks for 4/],
])('%s is refused, without its password in the message', (url, message) => {
  expect(() => parseRedisUrl(url)).toThrow(message);
  expect(() => parseRedisUrl(url)).not.toThrow(/hidden/);
});
