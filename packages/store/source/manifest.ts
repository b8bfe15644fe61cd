import { canonicalJson, sha256 } from '@distillery/spec/digest';
import type { ManifestSchema } from './store.ts';

/** A manifest as it was read, or the reason why it cannot be used. */
export type ReadManifest<T> = { manifest: T } | { damage: string };

/**
 * Returns the text that a store keeps for a manifest: its canonical JSON with the SHA-256 of that JSON under `check`.
 *
 * @throws TypeError for anything but a JSON object, RangeError for a value that JSON cannot represent or a key `check`
 */
export function manifestText(manifest: object): string {
  if (typeof manifest !== 'object' || manifest === null || Array.isArray(manifest)) {
    throw new TypeError(`a manifest is a JSON object, not ${kindOf(manifest)}`);
  }
  if ('check' in manifest) throw new RangeError('the key check of a manifest is reserved for its digest');
  return canonicalJson({ ...manifest, check: sha256(canonicalJson(manifest)) });
}

/**
 * Parses the text of a manifest and compares it with its `check`. Manifests of versions before 0.2 have no `check`; of
 * them only the form is known to be right.
 */
export function parseManifest<T>(text: string, schema?: ManifestSchema<T>): ReadManifest<T> {
  const found = parsed(text);
  if (typeof found !== 'object' || found === null || Array.isArray(found)) {
    return { damage: 'it is not a JSON object' };
  }
  const { check, ...manifest } = found as Record<string, unknown>;
  if (check !== undefined && check !== sha256(canonicalJson(manifest))) {
    return { damage: 'its content does not match its digest' };
  }
  const result = schema?.safeParse(manifest);
  if (result === undefined) return { manifest: manifest as T };
  if (result.success) return { manifest: result.data };
  return { damage: `it does not have the expected form: ${result.error.message}` };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'an array' : `a ${typeof value}`;
}
