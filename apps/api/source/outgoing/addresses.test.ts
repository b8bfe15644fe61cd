import { expect, test } from 'vitest';
import { addressRule, isPublicAddress } from './addresses.ts';

test.each([
  ['0.0.0.0', false],
  ['10.0.0.1', false],
  ['100.64.0.1', false],
  ['100.128.0.1', true],
  ['127.0.0.1', false],
  ['127.255.255.254', false],
  ['169.254.169.254', false],
  ['172.15.255.255', true],
  ['172.16.0.1', false],
  ['172.31.255.255', false],
  ['172.32.0.1', true],
  ['192.0.0.8', false],
  ['192.0.2.1', false],
  ['192.88.99.1', false],
  ['192.168.1.1', false],
  ['198.19.255.255', false],
  ['198.51.100.7', false],
  ['203.0.113.7', false],
  ['224.0.0.1', false],
  ['240.0.0.1', false],
  ['255.255.255.255', false],
  ['1.1.1.1', true],
  ['93.184.216.34', true],
  ['::', false],
  ['::1', false],
  ['::7f00:1', false],
  ['::ffff:127.0.0.1', false],
  ['::ffff:7f00:1', false],
  ['::ffff:1.1.1.1', false],
  ['::ffff:0:127.0.0.1', false],
  ['64:ff9b::7f00:1', false],
  ['64:ff9b:1::1', false],
  ['100::1', false],
  ['2001::1', false],
  ['2001:db8::1', false],
  ['2002:7f00:1::', false],
  ['3fff::1', false],
  ['fc00::1', false],
  ['fd12:3456::1', false],
  ['fe80::1', false],
  ['fe80::1%eth0', false],
  ['fec0::1', false],
  ['ff02::1', false],
  ['2606:4700:4700::1111', true],
  ['2a00:1450:4001::200e', true],
  ['localhost', false],
  ['', false],
])('%s is a public address: %s', (address, expected) => {
  expect(isPublicAddress(address)).toBe(expected);
  expect(addressRule([], 'WEBHOOK_NETWORKS')(address)).toBe(expected);
});

test('a setting allows addresses that are not public, and no others', () => {
  const allows = addressRule(['10.1.0.0/16', '127.0.0.1', 'fd00::/8'], 'WEBHOOK_NETWORKS');
  const allowed = ['10.1.2.3', '127.0.0.1', 'fd00::7', '1.1.1.1'].filter(allows);
  expect(allowed).toEqual(['10.1.2.3', '127.0.0.1', 'fd00::7', '1.1.1.1']);
  expect(['10.2.0.1', '127.0.0.2', '::1', 'fe80::1', 'fd00::7%eth0'].filter(allows)).toEqual([]);
});
