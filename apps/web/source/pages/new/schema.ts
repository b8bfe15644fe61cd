/** JSON Schema as the OpenAPI document of the service describes a job spec with it. */
export interface Schema {
  $ref?: string;
  description?: string;
  type?: string | string[];
  const?: unknown;
  enum?: readonly unknown[];
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  properties?: Record<string, Schema>;
  required?: readonly string[];
  additionalProperties?: boolean | Schema;
  items?: Schema;
  oneOf?: readonly Schema[];
  anyOf?: readonly Schema[];
}

/** The schemas of the document by name. */
export type Schemas = Readonly<Record<string, Schema>>;

/** Follows a reference, and those of the branches of a union; a description beside it describes this place, and stays. */
export function resolved(schema: Schema, schemas: Schemas): Schema {
  const { $ref, ...own } = schema;
  if ($ref === undefined) {
    const { oneOf, anyOf } = own;
    const branches = (list: readonly Schema[]) => list.map((one) => resolved(one, schemas));
    return { ...own, ...(oneOf && { oneOf: branches(oneOf) }), ...(anyOf && { anyOf: branches(anyOf) }) };
  }
  const target = schemas[$ref.slice($ref.lastIndexOf('/') + 1)];
  if (target === undefined) throw new Error(`The description of the service has no schema ${$ref}.`);
  return { ...resolved(target, schemas), ...own };
}

/** The property that tells the branches of a union apart, such as `type`; undefined for other schemas. */
export function discriminator(schema: Schema): string | undefined {
  const [first] = schema.oneOf ?? [];
  return Object.entries(first?.properties ?? {}).find(([, { const: value }]) => value !== undefined)?.[0];
}

/** The branch of a union that a value belongs to; the first one when it names none. */
export function branchOf(schema: Schema, key: string, value: unknown): Schema {
  const branches = schema.oneOf ?? [];
  const name = isObject(value) ? value[key] : undefined;
  return branches.find((one) => one.properties?.[key]?.const === name) ?? branches[0];
}

/** The values that a schema allows, where there is a list of them. */
export function choicesOf({ enum: values, anyOf }: Schema): readonly unknown[] | undefined {
  if (values !== undefined) return values;
  return anyOf?.every(({ const: value }) => value !== undefined) ? anyOf.map((one) => one.const) : undefined;
}

/** The default that a description names, as text; undefined when it names none. */
export function defaultText({ description = '' }: Schema): string | undefined {
  const found = /Default: (?:`([^`]*)`|([^.`]+))\./.exec(description);
  const text = found?.[1] ?? found?.[2];
  if (text === undefined || text === '{}') return undefined;
  // A text, or a list of one, reads better without the signs of JSON.
  return text.replace(/^"(.*)"$/, '$1').replace(/^\[(.*)\]$/, '$1');
}

/** The description without the default, which the field shows itself. */
export const helpText = ({ description = '' }: Schema): string =>
  description.replace(/\s*Default: (?:`[^`]*`|[^.`]+)\./, '').trim();

/** The range of a number, such as `1 to 10,000`, when both ends are near enough to say something. */
export function rangeText({
  minimum,
  maximum,
  exclusiveMinimum,
  exclusiveMaximum,
}: Schema): string | undefined {
  const low = exclusiveMinimum === undefined ? minimum : exclusiveMinimum;
  const high = exclusiveMaximum === undefined ? maximum : exclusiveMaximum;
  const text = (value: number) => value.toLocaleString('en-US', { maximumSignificantDigits: 6 });
  const far = high === undefined || high >= 2 ** 31;
  if (low !== undefined && !far)
    return `${exclusiveMinimum === undefined ? '' : 'above '}${text(low)} to ${text(high)}`;
  if (low === undefined) return undefined;
  return exclusiveMinimum === undefined ? `at least ${text(low)}` : `greater than ${text(low)}`;
}

/** `labelSmoothing` is read as `Label smoothing`. */
export function words(name: string): string {
  const spaced = name.replaceAll(
    /([a-z])([A-Z0-9])/g,
    (_, before: string, after: string) => `${before} ${after.toLowerCase()}`,
  );
  return spaced[0].toUpperCase() + spaced.slice(1).replaceAll('_', ' ');
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
