import { BlockList, isIP } from 'node:net';

/** Whether requests may be sent to this IP address. */
export interface AddressRule {
  (address: string): boolean;
  /** The variable of the setting that allows more of them, for messages. */
  readonly setting: string;
}

/** IPv4 networks that are no public hosts (IANA's registry of special-purpose addresses), multicast and class E. */
const special4 = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const;

/** Networks within 2000::/3, the public part of IPv6, that are no public hosts or lead to IPv4 addresses. */
const special6 = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const;

const refused4 = new BlockList();
for (const [network, bits] of special4) refused4.addSubnet(network, bits, 'ipv4');
const refused6 = new BlockList();
for (const [network, bits] of special6) refused6.addSubnet(network, bits, 'ipv6');
const public6 = new BlockList();
public6.addSubnet('2000::', 3, 'ipv6');

/** Whether an IP address is that of a public host: not private, local, reserved, multicast, or an IPv4 address in IPv6. */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !refused4.check(address, 'ipv4');
    case 6:
      return public6.check(address, 'ipv6') && !refused6.check(address, 'ipv6');
    default:
      return false;
  }
}

/**
 * Returns the rule that allows public addresses and those of some networks.
 *
 * @param networks addresses and ranges such as `10.1.0.0/16`; `::ffff:10.1.0.0` is the IPv4 address
 * @param setting the variable of the setting that has them
 */
export function addressRule(networks: readonly string[], setting: string): AddressRule {
  const allowed = new BlockList();
  for (const network of networks) {
    const [address, bits] = network.split('/');
    const version = isIP(address) === 4 ? 'ipv4' : 'ipv6';
    if (bits === undefined) allowed.addAddress(address, version);
    else allowed.addSubnet(address, Number(bits), version);
  }
  const allows = (address: string) => {
    const version = isIP(address);
    // A zone chooses a network of this machine.
    if (version === 0 || address.includes('%')) return false;
    return isPublicAddress(address) || allowed.check(address, version === 4 ? 'ipv4' : 'ipv6');
  };
  return Object.assign(allows, { setting });
}
