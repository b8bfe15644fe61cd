import { type AddressRule, addressRule } from '../outgoing/addresses.ts';
import { type UploadRules, type UploadSettings, uploadRules } from '../uploads/rules.ts';

export interface FetchSettings extends UploadSettings {
  /** The setting FETCH_NETWORKS; undefined means none. */
  fetchNetworks?: readonly string[] | undefined;
}

/** How files are fetched from the web. */
export interface FetchRules extends UploadRules {
  allows: AddressRule;
  /** The `User-Agent`. */
  agent: string;
  /** A host that sends fewer than `leastBytes` in this time makes no progress. */
  stallMs: number;
  leastBytes: number;
  /** Milliseconds to the second attempt; each later pause is twice as long, up to the longest. */
  firstMs: number;
  longestMs: number;
  /** Attempts in a row that bring nothing new, after which a fetch has failed. */
  tries: number;
  /** The most files that a process fetches at once, of all owners and of one. */
  atOnce: number;
  ofOwner: number;
  /** Milliseconds after which a part of a file is stored, however small: a cut loses no more. */
  partMs: number;
}

/** The rule of addresses from which files may be fetched. */
export const fetchAddresses = (networks: readonly string[] = []): AddressRule =>
  addressRule(networks, 'FETCH_NETWORKS');

/** @param version the version of Distillery, for the `User-Agent` */
export function fetchRules(settings: FetchSettings, version: string): FetchRules {
  return {
    ...uploadRules(settings),
    allows: fetchAddresses(settings.fetchNetworks),
    agent: `Distillery/${version}`,
    stallMs: 30_000,
    leastBytes: 1024,
    firstMs: 1000,
    longestMs: 60_000,
    tries: 8,
    atOnce: 8,
    ofOwner: 2,
    partMs: 5000,
  };
}
