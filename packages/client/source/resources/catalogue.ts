import type { CatalogueEntry } from '@distillery/spec';
import type { CallOptions, Transport } from '../transport.ts';

/** A page of the catalogue: the kinds that a spec can name, with their options. */
export function catalogue(transport: Transport, name: string) {
  return {
    /**
     * Lists the kinds with their options as JSON Schema, and with the default of each option.
     *
     * @example
     * for (const { type, formula } of await client.methods.list()) console.log(type, formula);
     */
    list: async (options: CallOptions = {}): Promise<CatalogueEntry[]> =>
      (await transport.json<Record<string, CatalogueEntry[]>>({ path: `/v1/${name}`, ...options }))[name],
  };
}
