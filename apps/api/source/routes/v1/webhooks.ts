import {
  createdWebhookSchema,
  newWebhookSchema,
  webhookChangeSchema,
  webhookSchema,
  webhookSecretSchema,
} from '@distillery/spec';
import { openToProjects } from '../../http/open-to-projects.ts';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { ownerSeenBy } from '../../caller.ts';
import { problems } from '../../http/responses.ts';
import { checkHost } from '../../outgoing/check-host.ts';
import type { Services } from '../../services.ts';
import type { WebhookRules } from '../../webhooks/settings.ts';
import { deliveries } from './webhook-deliveries.ts';
import { webhookParams } from './webhook-params.ts';

const config = { scope: 'submit' } as const;
const tags = ['webhooks'];

/** `/v1/webhooks` and the routes below it. */
export const webhooks: FastifyPluginAsyncZod<Services & { rules: WebhookRules }> = async (
  app,
  { rules, ...services },
) => {
  openToProjects(app);
  const { queue } = services;

  app.post(
    '/webhooks',
    {
      config,
      schema: {
        operationId: 'createWebhook',
        tags,
        summary: 'Create a webhook. Its secret is in this answer only',
        description:
          'Events are sent by POST as JSON, signed as [Standard Webhooks](https://www.standardwebhooks.com) ask for (docs/webhooks.md tells how to check a signature). A host without a public address is refused unless `WEBHOOK_NETWORKS` allows it.',
        body: newWebhookSchema,
        response: { 201: createdWebhookSchema, ...problems },
      },
    },
    async ({ body, caller }, reply) => {
      await checkHost(body.url, rules.allows);
      const most = caller === null || caller.scope === 'admin' ? undefined : rules.most;
      const created = await queue.webhooks.create(body, caller?.name ?? null, most);
      return reply.header('cache-control', 'no-store').code(201).send(created);
    },
  );

  app.get(
    '/webhooks',
    {
      schema: {
        operationId: 'listWebhooks',
        tags,
        summary: 'The webhooks of the owner, in the order of their creation; a key of scope `admin` gets all',
        response: { 200: z.object({ webhooks: z.array(webhookSchema) }), ...problems },
      },
    },
    async ({ caller }) => ({ webhooks: await queue.webhooks.list(ownerSeenBy(caller)) }),
  );

  app.get(
    '/webhooks/:webhook',
    {
      schema: {
        operationId: 'getWebhook',
        tags,
        summary: 'A webhook, without its secret',
        params: webhookParams,
        response: { 200: webhookSchema, ...problems },
      },
    },
    async ({ params, caller }) => queue.webhooks.get(params.webhook, ownerSeenBy(caller)),
  );

  app.patch(
    '/webhooks/:webhook',
    {
      config,
      schema: {
        operationId: 'changeWebhook',
        tags,
        summary: 'Change a webhook, enable or disable it; what is left out stays',
        params: webhookParams,
        body: webhookChangeSchema,
        response: { 200: webhookSchema, ...problems },
      },
    },
    async ({ params, body, caller }) => {
      if (body.url !== undefined) await checkHost(body.url, rules.allows);
      return queue.webhooks.change(params.webhook, ownerSeenBy(caller), body);
    },
  );

  app.delete(
    '/webhooks/:webhook',
    {
      config,
      schema: {
        operationId: 'deleteWebhook',
        tags,
        summary: 'Remove a webhook with its deliveries',
        params: webhookParams,
        response: { 204: z.undefined().describe('The webhook is removed.'), ...problems },
      },
    },
    async ({ params, caller }, reply) => {
      await queue.webhooks.remove(params.webhook, ownerSeenBy(caller));
      return reply.code(204).send();
    },
  );

  app.post(
    '/webhooks/:webhook/secret',
    {
      config,
      schema: {
        operationId: 'rotateWebhookSecret',
        tags,
        summary: 'Replace the secret. For a day each request has a signature of the old one, too',
        params: webhookParams,
        response: { 200: webhookSecretSchema, ...problems },
      },
    },
    async ({ params, caller }, reply) => {
      reply.header('cache-control', 'no-store');
      return queue.webhooks.rotate(params.webhook, ownerSeenBy(caller));
    },
  );

  await app.register(deliveries, { ...services, rules, prefix: '' });
};
