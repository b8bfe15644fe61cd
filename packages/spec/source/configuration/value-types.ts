import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { z } from 'zod';
import { byteSizeForm, bytesOf } from '../byte-size.ts';

/** How the text of a variable or flag becomes a value, and back. */
export interface ValueType<T> {
  /** Decodes text into a value and encodes a value as the text that stands for it. */
  readonly codec: z.ZodType<T, string>;
  /** What is allowed, as the end of a sentence that begins with "it must be". */
  readonly allowed: string;
  /** True for a list: its flag may be repeated, its items are separated by `separator`. */
  readonly separator?: string;
}

/** A whole number, e.g. `600`. Exponents, decimal points and, unless `minimum` is negative, signs are refused. */
export function wholeNumber(minimum: number, maximum = Number.MAX_SAFE_INTEGER): ValueType<number> {
  return {
    codec: z.codec(z.string().regex(minimum < 0 ? /^-?\d+$/ : /^\d+$/), z.int().min(minimum).max(maximum), {
      decode: Number,
      encode: String,
    }),
    allowed:
      maximum === Number.MAX_SAFE_INTEGER
        ? `a whole number of at least ${minimum}`
        : `a whole number from ${minimum} to ${maximum}`,
  };
}

/** A number of bytes, e.g. `1000000`, `500 MB` or `1.5 GiB`. */
export function byteSize(): ValueType<number> {
  return {
    codec: z.codec(z.string().regex(byteSizeForm), z.int().min(1), { decode: bytesOf, encode: String }),
    allowed: 'a number of bytes of at least 1, such as 1000000, 500 MB or 1.5 GiB',
  };
}

const durationUnits: Record<string, number> = { d: 86_400_000, h: 3_600_000 };

/** Days or hours, e.g. `90d` or `12h`, as milliseconds. */
export function duration(): ValueType<number> {
  const form = /^([1-9]\d{0,4})([dh])$/;
  return {
    codec: z.codec(z.string().regex(form), z.int().min(1), {
      decode(text) {
        const [, number, unit] = form.exec(text) ?? [];
        return Number(number) * durationUnits[unit];
      },
      encode: (milliseconds) => `${Math.round(milliseconds / durationUnits.h)}h`,
    }),
    allowed: 'days or hours, such as 90d or 12h',
  };
}

/** One of a few words. */
export function oneOf<const Word extends string>(words: readonly Word[]): ValueType<Word> {
  const quoted = words.map((word) => `"${word}"`);
  return {
    codec: z.codec(z.string(), z.enum(words), { decode: (text) => text as Word, encode: String }),
    allowed: `one of ${quoted.slice(0, -1).join(', ')} or ${quoted[quoted.length - 1]}`,
  };
}

/** A choice between two words, the first of which stands for true. */
export function eitherOf(yes: string, no: string): ValueType<boolean> {
  return {
    codec: z.codec(z.enum([yes, no]), z.boolean(), {
      decode: (text) => text === yes,
      encode: (value) => (value ? yes : no),
    }),
    allowed: `"${yes}" or "${no}"`,
  };
}

/** Text without blanks at its ends, of a form that `pattern` describes. */
export function text(allowed: string, pattern = /^\S(.*\S)?$/): ValueType<string> {
  return { codec: plain(z.string().regex(pattern)), allowed };
}

/** The path of a file or folder; a relative one starts at the current folder. */
export function path(): ValueType<string> {
  const codec = z.codec(z.string(), z.string(), { decode: (text) => resolve(text), encode: String });
  return { codec, allowed: 'a path' };
}

/** Paths, separated by colons. */
export function paths(): ValueType<string[]> {
  return list(':', 'paths, separated by colons', (item) => resolve(item));
}

/** Modules as `import()` takes them, separated by colons: a path that begins with a dot starts at the current folder. */
export function modules(): ValueType<string[]> {
  return list(':', 'package names or paths of modules, separated by colons', (item) =>
    item.startsWith('.') ? resolve(item) : item,
  );
}

/** An `http://` or `https://` URL. */
export function webUrl(): ValueType<string> {
  const schema = z.url({ protocol: /^https?$/ });
  return { codec: plain(schema), allowed: 'a URL that begins with http:// or https://' };
}

/** Host names or IP addresses, without ports, separated by commas. */
export function hostNames(): ValueType<string[]> {
  const type = list(',', 'host names or IP addresses without ports, separated by commas', (item) =>
    item.trim().toLowerCase(),
  );
  const isName = (name: string) => isIP(name) !== 0 || /^[a-z0-9_]([a-z0-9_.-]{0,252}[a-z0-9_])?$/.test(name);
  const codec: ValueType<string[]>['codec'] = type.codec.refine((names) => names.every(isName));
  return { ...type, codec };
}

/** Words of a form, separated by commas. */
export function words(allowed: string, form: RegExp): ValueType<string[]> {
  const type = list(',', allowed, (item) => item.trim());
  const codec: ValueType<string[]>['codec'] = type.codec.refine((items) =>
    items.every((item) => form.test(item)),
  );
  return { ...type, codec };
}

/** Addresses as the Fastify option `trustProxy` takes them, separated by commas. */
export function proxies(): ValueType<string[]> {
  const allowed =
    'IP addresses, ranges such as 10.0.0.0/8, "loopback", "linklocal" or "uniquelocal", separated by commas';
  const type = list(',', allowed, (item) => item.trim());
  const codec: ValueType<string[]>['codec'] = type.codec.refine((items) => items.every(isProxy));
  return { ...type, codec };
}

/** IP addresses and ranges of them, separated by commas. */
export function networks(): ValueType<string[]> {
  const type = list(',', 'IP addresses and ranges such as 10.0.0.0/8, separated by commas', (item) =>
    item.trim(),
  );
  const codec: ValueType<string[]>['codec'] = type.codec.refine((items) => items.every(isNetwork));
  return { ...type, codec };
}

function isProxy(text: string): boolean {
  return ['loopback', 'linklocal', 'uniquelocal'].includes(text) || isNetwork(text);
}

function isNetwork(text: string): boolean {
  const [address, bits, ...rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  return bits === undefined || (/^[1-9]\d*$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
}

/** Items of a list; empty ones are left out. */
function list(separator: string, allowed: string, decode: (item: string) => string): ValueType<string[]> {
  const codec = z.codec(z.string(), z.array(z.string()), {
    decode: (text) =>
      text
        .split(separator)
        .filter((item) => item.trim() !== '')
        .map(decode),
    encode: (items) => items.join(separator),
  });
  return { codec, allowed, separator };
}

/** Text that is its own value. */
function plain(schema: z.ZodType<string, string>): z.ZodType<string, string> {
  return z.codec(z.string(), schema, { decode: (text) => text, encode: (text) => text });
}
