import type { OpenApiDocument } from './document.ts';

interface Schema {
  $ref?: string;
  type?: string;
  enum?: unknown[];
  examples?: unknown[];
}
interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  description?: string;
  schema: Schema;
}
interface Operation {
  summary?: string;
  description?: string;
  tags?: string[];
  parameters?: Parameter[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, { $ref?: string; description?: string }>;
}
interface Described extends Pick<OpenApiDocument, 'components'> {
  info: { title: string; version: string; description: string };
  tags: { name: string; description: string }[];
  paths: Record<string, Record<string, Operation>>;
}

const style = `:root{color-scheme:light dark;--line:light-dark(#e4e5e8,#2a2d33);--ink-2:light-dark(#50555f,#b0b5be)}
body{font:400 .9rem/1.45 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:2rem 1rem 4rem;
background:light-dark(#fafafa,#0e0f11);color:light-dark(#17181c,#f2f3f5)}
p,td,summary span{color:var(--ink-2)}details{border:1px solid var(--line);border-radius:8px;margin:.5rem 0;
background:light-dark(#fff,#15171a)}summary{padding:.6rem .9rem;cursor:pointer}summary code{font-weight:600}
section{padding:0 .9rem .9rem}table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;
padding:.35rem .6rem .35rem 0;border-top:1px solid var(--line)}pre{overflow-x:auto;padding:.7rem .9rem;
border-radius:6px;background:light-dark(#f3f4f5,#1c1f23)}code,pre{font-family:ui-monospace,monospace;font-size:.8rem}`;

/**
 * Renders the OpenAPI description as one page without scripts, which needs no other file: each operation with its
 * parameters, its responses and a request for a shell.
 *
 * @param origin where the API answers, for the requests
 */
export function documentPage(description: unknown, origin: string): string {
  const { info, tags, paths, components } = description as Described;
  const operations = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item)
      .filter(([method]) => method !== 'head')
      .map(([method, operation]) => ({ path, method, operation })),
  );
  const sections = tags.map(({ name, description: about }) => {
    const own = operations.filter(({ operation }) => operation.tags?.[0] === name);
    const rendered = own.map(({ path, method, operation }) =>
      operationText(path, method, operation, components, origin),
    );
    return `<h2 id="${html(name)}">${html(name)}</h2><p>${html(about)}.</p>${rendered.join('')}`;
  });
  return `<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>${html(info.title)} API</title>
<style>${style}</style><h1>${html(info.title)} API ${html(info.version)}</h1><p>${html(info.description)}</p>
<p>The description as <a href="/openapi.json">OpenAPI 3.1</a>. Where keys are required, set TOKEN to one.</p>
${sections.join('\n')}</html>`;
}

function operationText(
  path: string,
  method: string,
  { summary = '', description = '', parameters = [], requestBody, responses }: Operation,
  components: Described['components'],
  origin: string,
): string {
  const rows = parameters.map(
    (one) =>
      `<tr><td><code>${html(one.name)}</code></td><td>${html(one.in)}${one.required ? ', required' : ''}</td>` +
      `<td>${prose(one.description ?? '')}</td></tr>`,
  );
  const answers = Object.entries(responses).map(([status, given]) => {
    const name = given.$ref?.split('/').at(-1);
    const response = name === undefined ? given : (components.responses[name] as typeof given);
    return `<tr><td><code>${status}</code></td><td>${prose(response.description ?? '')}</td></tr>`;
  });
  const body = exampleOf(requestBody?.content['application/json']?.schema, components);
  return `<details><summary><code>${method.toUpperCase()} ${html(path)}</code> <span>${prose(summary)}</span></summary>
<section>${description === '' ? '' : `<p>${prose(description)}</p>`}
<pre>${html(curlOf(path + requiredQuery(parameters), method, body, origin))}</pre>
${rows.length === 0 ? '' : `<table>${rows.join('')}</table>`}<table>${answers.join('')}</table></section></details>`;
}

/** The parameters of the query without which the request is refused. */
function requiredQuery(parameters: readonly Parameter[]): string {
  const required = parameters.filter((one) => one.in === 'query' && one.required);
  return required.map(({ name }, index) => `${index === 0 ? '?' : '&'}${name}={${name}}`).join('');
}

/** The request as a command of a shell, which reads the id of a job, and other names, from variables. */
function curlOf(path: string, method: string, body: unknown, origin: string): string {
  const named = path.replaceAll(/{(\w+)}/g, (_, name: string) => `$${name.toUpperCase()}`);
  return [
    `curl${method === 'get' ? '' : ` -X ${method.toUpperCase()}`} "${origin}${named}" -H "Authorization: Bearer $TOKEN"`,
    ...(body === undefined
      ? []
      : [`-H 'Content-Type: application/json' -d '${JSON.stringify(body, undefined, 2)}'`]),
  ].join(' \\\n  ');
}

function exampleOf(schema: Schema | undefined, components: Described['components']): unknown {
  const name = schema?.$ref?.split('/').at(-1);
  const found = name === undefined ? schema : (components.schemas[name] as Schema | undefined);
  return found?.examples?.[0];
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const html = (text: string) => text.replaceAll(/[&<>"]/g, (character) => entities[character]);

/** Markdown of one line: only names in backticks have a form of their own. */
const prose = (text: string) => html(text).replaceAll(/`([^`]+)`/g, '<code>$1</code>');
