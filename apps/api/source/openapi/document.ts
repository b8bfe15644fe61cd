import { commonHeaders, describedHeaders, type HeaderName } from './headers.ts';
import { examples } from './examples.ts';
import { smallestSchemas } from './schemas.ts';

interface Response {
  description?: string;
  headers?: Record<string, object>;
  content?: object;
}
interface Operation {
  operationId?: string;
  summary?: string;
  security?: readonly object[];
  responses: Record<string, Response | { $ref: string }>;
  'x-response-headers'?: Record<string, readonly HeaderName[]>;
}
export interface OpenApiDocument {
  paths: Record<string, Record<string, Operation>>;
  /** The requests that the service sends. */
  webhooks?: Record<string, Record<string, object>>;
  components: Record<string, Record<string, object>>;
}

/** The errors that routes share, by status. */
const sharedResponses: Record<string, string> = {
  401: 'Unauthorized',
  403: 'Forbidden',
  429: 'TooManyRequests',
  '4XX': 'ClientError',
  '5XX': 'ServerError',
};

/**
 * Completes the description that the routes' schemas give: adds the headers of responses and examples, names the HEAD
 * operations, and keeps each schema and each error once.
 */
export function completed(given: OpenApiDocument): OpenApiDocument {
  // Not structuredClone, which would keep the operations of GET and HEAD one object.
  const document = JSON.parse(JSON.stringify(given)) as OpenApiDocument;
  const responses: Record<string, Response> = {};
  for (const item of Object.values(document.paths)) {
    for (const [method, operation] of Object.entries(item)) complete(method, operation);
  }
  Object.assign(document.components, {
    responses,
    headers: Object.fromEntries(
      Object.entries(describedHeaders).map(([name, description]) => [
        name,
        { description, schema: { type: 'string' } },
      ]),
    ),
  });
  const smallest = smallestSchemas(document);
  for (const [name, example] of Object.entries(examples)) {
    Object.assign(smallest.components.schemas[name] ?? {}, { examples: [example] });
  }
  return smallest;

  function complete(method: string, operation: Operation): void {
    const { 'x-response-headers': own = {}, operationId, security, summary } = operation;
    delete operation['x-response-headers'];
    // Routes that answer GET and HEAD have one schema.
    if (method === 'head') operation.operationId = operationId?.replace(/^get/, 'head');
    const needsKey = security !== undefined && security.length > 0;
    for (const [status, response] of Object.entries(operation.responses) as [string, Response][]) {
      // The text of @fastify/swagger for a response without a description.
      if (response.description === 'Default Response') response.description = summary;
      const names = [...commonHeaders(status, needsKey), ...(own[status] ?? [])];
      response.headers = Object.fromEntries(
        names.map((name) => [name, { $ref: `#/components/headers/${name}` }]),
      );
      const shared = sharedResponses[status];
      if (shared === undefined) continue;
      responses[shared] ??= response;
      operation.responses[status] = { $ref: `#/components/responses/${shared}` };
    }
  }
}
