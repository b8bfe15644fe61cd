import { type Format, formats } from '@distillery/formats';
import { refusedInput } from '@distillery/spec';
import { z } from 'zod';

/**
 * Returns the query parameters that choose a format and its options. Plug-ins are registered before the routes, so theirs are
 * included. Formats share parameters of the same name, and `optionsOf` checks them for the format that is chosen.
 */
export function formatParameters() {
  const names = formats.list.map(({ type }) => type) as [string, ...string[]];
  const options = new Set(formats.list.flatMap((format) => Object.keys(format.options.shape)));
  return {
    format: z
      .enum(names)
      .default(names[0])
      .describe('The file format. `GET /v1/formats` describes each one.'),
    ...Object.fromEntries([...options].map((name) => [name, parameter(name)])),
  };
}

/**
 * Parses the options of a format.
 *
 * @param given the query without the parameters of the route
 * @throws DistilleryError `malformed_request` that names the parameter and what it may be
 */
export function optionsOf(format: Format, given: Record<string, unknown>): Record<string, unknown> {
  const chosen = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const parsed = format.options.safeParse(chosen);
  if (parsed.success) return parsed.data;
  throw refusedInput('malformed_request', parsed.error, chosen, '#/query');
}

/** An option as text, described for each format that has it. */
function parameter(name: string): z.ZodType<string | undefined> {
  const owners = formats.list.filter(({ options }) => name in options.shape);
  const described = owners.map((format) => {
    const field = format.options.shape[name] as z.ZodType;
    return `\`${format.type}\`: ${field.description ?? 'see the catalogue of formats.'}${choicesOf(field)}`;
  });
  return z
    .string()
    .max(256)
    .optional()
    .describe(`An option of some formats. ${described.join(' ')}`);
}

function choicesOf(field: z.ZodType): string {
  const { enum: choices, default: standard } = z.toJSONSchema(field, { io: 'input' });
  if (choices === undefined) return '';
  const [listed] = [choices.map((choice) => `\`${String(choice)}\``).join(', ')];
  return ` One of ${listed}; default \`${String(standard)}\`.`;
}
