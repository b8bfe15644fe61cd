import { randomBytes } from 'node:crypto';
import { deliverySchema, DistilleryError } from '@distillery/spec';
import type { DeliveryHead } from '@distillery/queue';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { ownerSeenBy } from '../../caller.ts';
import { problems } from '../../http/responses.ts';
import type { Services } from '../../services.ts';
import { attempt } from '../../webhooks/attempt.ts';
import type { WebhookRules } from '../../webhooks/settings.ts';
import { webhookParams } from './webhook-params.ts';

const config = { scope: 'submit' } as const;
const tags = ['webhooks'];

const querystring = z.strictObject({
  state: deliverySchema.shape.state.optional().describe('Deliveries in this state.'),
  limit: z.coerce.number().int().min(1).max(100).default(20).describe('The most deliveries of a page.'),
  after: z
    .string()
    .regex(/^\d{1,15}-[\w-]{1,40}$/, 'must be `next` of the page before')
    .optional()
    .describe('Deliveries after this position: `next` of the page before.'),
});

/** `POST /v1/webhooks/:webhook/test`, `GET …/deliveries`, `POST …/deliveries/:delivery/redeliver`. */
export const deliveries: FastifyPluginAsyncZod<Services & { rules: WebhookRules }> = async (
  app,
  { queue, rules },
) => {
  const closing = new AbortController();
  app.addHook('preClose', async () => closing.abort());

  app.post(
    '/webhooks/:webhook/test',
    {
      config: { ...config, changes: false },
      schema: {
        operationId: 'testWebhook',
        tags,
        summary: 'Send an event of type `test` now, once, and answer how it went',
        description: 'A disabled webhook can be tested, too.',
        params: webhookParams,
        response: { 200: deliverySchema, ...problems },
      },
    },
    async ({ params: { webhook }, caller, raw }) => {
      const target = await queue.webhooks.target(webhook, ownerSeenBy(caller));
      const createdAt = new Date().toISOString();
      const id = `${Date.parse(createdAt)}-test-${randomBytes(8).toString('hex')}`;
      const head: DeliveryHead = { type: 'test', job: null, createdAt };
      const payload = JSON.stringify({ type: 'test', timestamp: createdAt, data: { webhook } });
      const gone = new AbortController();
      const close = () => gone.abort();
      raw.socket.once('close', close);
      const attempted = await attempt(
        target,
        { id, payload },
        { ...rules, closing: AbortSignal.any([gone.signal, closing.signal]) },
      );
      raw.socket.off('close', close);
      if (attempted === null) throw new DistilleryError('overloaded', 'the test was broken off; try again');
      await queue.webhooks.deliveries.note(webhook, { id, head, payload, attempt: attempted.made });
      return queue.webhooks.deliveries.get(webhook, id);
    },
  );

  app.get(
    '/webhooks/:webhook/deliveries',
    {
      schema: {
        operationId: 'listDeliveries',
        tags,
        summary:
          'The deliveries of a webhook, newest first: those that wait, and the last 200 that have ended',
        params: webhookParams,
        querystring,
        response: {
          200: z.object({
            deliveries: z.array(deliverySchema),
            next: z.string().nullable().describe('The `after` of the next page; null on the last page.'),
          }),
          ...problems,
        },
      },
    },
    async ({ params: { webhook }, query, caller }) => {
      await queue.webhooks.get(webhook, ownerSeenBy(caller));
      return queue.webhooks.deliveries.list(webhook, query);
    },
  );

  app.post(
    '/webhooks/:webhook/deliveries/:delivery/redeliver',
    {
      config,
      schema: {
        operationId: 'redeliverEvent',
        tags,
        summary: 'Send an event again, as often as it takes. `state_conflict` while the webhook is disabled',
        params: webhookParams.extend({ delivery: z.string().max(100).describe('The id of the delivery.') }),
        response: { 202: deliverySchema, ...problems },
      },
    },
    async ({ params: { webhook, delivery }, caller }, reply) => {
      await queue.webhooks.get(webhook, ownerSeenBy(caller));
      await queue.webhooks.deliveries.redeliver(webhook, delivery);
      return reply.code(202).send(await queue.webhooks.deliveries.get(webhook, delivery));
    },
  );
};
