const header = (name: string, description: string) => ({
  name,
  in: 'header',
  required: true,
  description,
  schema: { type: 'string' },
});

/** The requests that the service sends to webhooks, as OpenAPI 3.1 describes them. */
export const describedWebhooks = {
  event: {
    post: {
      operationId: 'receiveEvent',
      summary: 'Something happened to a job; the webhook chooses the types of events',
      parameters: [
        header('webhook-id', 'The id of the event, the same when it is sent again.'),
        header('webhook-timestamp', 'The time of the request, in seconds since 1970.'),
        header(
          'webhook-signature',
          'One or two signatures, separated by a space: `v1,` and the Base64 of an HMAC-SHA256 over `<webhook-id>.<webhook-timestamp>.<body>`.',
        ),
      ],
      requestBody: {
        required: true,
        content: { 'application/json': { schema: { $ref: '#/components/schemas/WebhookPayload' } } },
      },
      responses: {
        '2XX': { description: 'The event has arrived.' },
        410: { description: 'No more events are wanted: the webhook is disabled.' },
        default: { description: 'The event is sent again later.' },
      },
    },
  },
};
