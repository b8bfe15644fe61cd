import { isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';

/** The plug-ins that this process has loaded; the batch thread loads them too. */
export const loadedPlugins: string[] = [];

/**
 * Imports a plug-in module. This file imports no other package, because the batch thread imports it when it starts.
 *
 * @param name an absolute path or the name of a package
 * @returns the module's default export: lists of kinds by registry
 * @throws RangeError naming the module when it cannot be loaded or has no such export
 */
export async function importPlugin(name: string): Promise<Record<string, unknown>> {
  const specifier = isAbsolute(name) ? pathToFileURL(name).href : name;
  let exported: { default?: unknown };
  try {
    exported = (await import(specifier)) as { default?: unknown };
  } catch (cause) {
    throw new RangeError(`plug-in ${name} cannot be loaded: ${(cause as Error).message}`, { cause });
  }
  const { default: plugin } = exported;
  if (typeof plugin !== 'object' || plugin === null) {
    throw new RangeError(`plug-in ${name} must export an object of lists of kinds as its default`);
  }
  return plugin as Record<string, unknown>;
}

/**
 * Adds the kinds of a plug-in to registries, each by the name of its list in the plug-in, and notes that it is loaded. Other
 * lists are left alone.
 *
 * @throws RangeError naming the plug-in when there is another kind of that name
 */
export function addKinds(
  name: string,
  plugin: Record<string, unknown>,
  registries: Record<string, { add(kind: never): void }>,
): void {
  try {
    for (const [group, registry] of Object.entries(registries)) {
      for (const kind of (plugin[group] ?? []) as never[]) registry.add(kind);
    }
  } catch (cause) {
    throw new RangeError(`plug-in ${name}: ${(cause as Error).message}`, { cause });
  }
  loadedPlugins.push(name);
}
