import { networkInputSchema, networkSchema } from '@distillery/spec';
import { dropNetwork, keptNetwork, keptNetworks } from '@distillery/training';
import { openToProjects } from '../../http/open-to-projects.ts';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { blobName } from '../../artifacts/named.ts';
import { checkOwner, sees } from '../../caller.ts';
import { problems } from '../../http/responses.ts';
import { sendJson } from '../../http/send-json.ts';
import type { Services } from '../../services.ts';
import { validatorWithoutBody } from '../../validation.ts';

const tags = ['networks'];
const config = { scope: 'submit' } as const;
const params = z.object({ network: z.string().max(64).describe('The id of the network.') });

/** `/v1/networks`: networks that people bring, as teachers of their jobs. */
export const networks: FastifyPluginAsyncZod<Services> = async (app, { queue, store, submissions }) => {
  openToProjects(app);
  app.setValidatorCompiler(validatorWithoutBody);

  app.post(
    '/networks',
    {
      config: { ...config, textBody: true },
      schema: {
        operationId: 'keepNetwork',
        tags,
        summary: 'Bring a network from a file or an upload',
        description:
          'Reads the weights from a file of safetensors, PyTorch or NumPy, an upload or in a folder that jobs may read, and checks them against the architecture. The pickle of a PyTorch file is read as a description of tensors and never executed. A job names the network as `{"type": "stored", "weights": "<weights.digest>"}`. The same network, owner and name again return the one that is kept.',
        body: networkInputSchema,
        response: {
          201: networkSchema.describe('The network, which is kept until it is removed.'),
          ...problems,
        },
        'x-response-headers': { 201: ['Location'] },
      },
    },
    async ({ text, caller }, reply) => {
      const kept = await submissions.ask('keepNetwork', { text, caller });
      const { id } = JSON.parse(kept) as { id: string };
      reply.code(201).header('location', `/v1/networks/${id}`);
      return sendJson(reply, kept);
    },
  );

  app.get(
    '/networks',
    {
      schema: {
        operationId: 'listNetworks',
        tags,
        summary: 'The networks that were brought, the newest first',
        response: { 200: z.object({ networks: z.array(networkSchema) }), ...problems },
      },
    },
    async ({ caller }) => ({
      networks: (await keptNetworks(store)).filter(({ owner }) => sees(caller, owner)),
    }),
  );

  app.get(
    '/networks/:network',
    {
      schema: {
        operationId: 'getNetwork',
        tags,
        summary: 'A network',
        params,
        response: { 200: networkSchema, ...problems },
      },
    },
    async ({ params: { network }, caller }) => keptNetwork(store, network, (owner) => sees(caller, owner)),
  );

  app.delete(
    '/networks/:network',
    {
      config,
      schema: {
        operationId: 'removeNetwork',
        tags,
        summary: 'Remove a network. Jobs that name its weights keep them',
        params,
        response: { 204: z.undefined().describe('The network is removed.'), ...problems },
      },
    },
    async ({ params: { network }, caller }, reply) => {
      const { id, owner, weights } = await keptNetwork(store, network, (of) => sees(caller, of));
      checkOwner(caller, owner, 'network');
      // Noted first: a crash in between leaves a note of weights that are still named, which a collection drops.
      await queue.inventory.leftovers.add([blobName(weights.digest)]);
      await dropNetwork(store, id);
      return reply.code(204).send();
    },
  );
};
