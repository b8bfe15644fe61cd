import {
  datasetProfileSchema,
  DistilleryError,
  newDatasetSchema,
  storedDatasetSchema,
} from '@distillery/spec';
import { dropDataset, dropProfile, keptDataset, keptDatasets, profileOf } from '@distillery/training';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { blobName } from '../../artifacts/named.ts';
import { problems } from '../../http/responses.ts';
import { datasetView } from '../../profiles/view.ts';
import type { Services } from '../../services.ts';
import { ownerSeenBy } from '../../caller.ts';
import { validatorWithoutBody } from '../../validation.ts';

const tags = ['datasets'];
const config = { scope: 'submit' } as const;
const params = z.object({ dataset: z.string().max(64).describe('The id of the data set.') });

/** `/v1/datasets`: data sets that people have uploaded. */
export const datasets: FastifyPluginAsyncZod<Services> = async (
  app,
  { queue, store, submissions, profiler },
) => {
  app.setValidatorCompiler(validatorWithoutBody);

  app.post(
    '/datasets',
    {
      config: { ...config, textBody: true },
      schema: {
        operationId: 'createDataset',
        tags,
        summary: 'Make a data set of an uploaded file',
        description:
          'The file is read once by a process of its own, which counts what is in it; the data set is `ready` then, or `refused` with the reason. A job names it as `{"source": "uploaded", "id": "…"}`. The same file, options, owner and name again return the data set that is there.',
        body: newDatasetSchema,
        response: {
          201: storedDatasetSchema.describe('The data set, which is kept until it is deleted.'),
          ...problems,
        },
        'x-response-headers': { 201: ['Location'] },
      },
    },
    async ({ text, caller }, reply) => {
      const id = await submissions.ask('keepDataset', { text, caller });
      profiler.run();
      reply.code(201).header('location', `/v1/datasets/${id}`);
      return datasetView(store, await keptDataset(store, id));
    },
  );

  app.get(
    '/datasets',
    {
      schema: {
        operationId: 'listDatasets',
        tags,
        summary: 'The data sets of the owner, the newest first; a key of scope `admin` gets all',
        response: { 200: z.object({ datasets: z.array(storedDatasetSchema) }), ...problems },
      },
    },
    async ({ caller }) => {
      const kept = await keptDatasets(store, ownerSeenBy(caller));
      return { datasets: await Promise.all(kept.map((dataset) => datasetView(store, dataset))) };
    },
  );

  app.get(
    '/datasets/:dataset',
    {
      schema: {
        operationId: 'getDataset',
        tags,
        summary: 'A data set',
        params,
        response: { 200: storedDatasetSchema, ...problems },
      },
    },
    async ({ params: { dataset }, caller }) =>
      datasetView(store, await keptDataset(store, dataset, ownerSeenBy(caller))),
  );

  app.get(
    '/datasets/:dataset/profile',
    {
      schema: {
        operationId: 'getDatasetProfile',
        tags,
        summary: 'What is in a data set: counts, sizes, statistics, duplicates, and a few samples',
        params,
        response: { 200: datasetProfileSchema, ...problems },
      },
    },
    async ({ params: { dataset }, caller }) => {
      const found = await profileOf(store, await keptDataset(store, dataset, ownerSeenBy(caller)));
      if (found === undefined) {
        throw new DistilleryError(
          'not_ready',
          'the data set is still being read: ask again in a few seconds',
        );
      }
      if (found.state === 'ready') return found.profile;
      throw new DistilleryError('data_error', found.error.message, { fields: found.error.errors });
    },
  );

  app.delete(
    '/datasets/:dataset',
    {
      config,
      schema: {
        operationId: 'deleteDataset',
        tags,
        summary: 'Delete a data set. Jobs that use it keep its file until they are deleted',
        params,
        response: { 204: z.undefined().describe('The data set is deleted.'), ...problems },
      },
    },
    async ({ params: { dataset: id }, caller }, reply) => {
      const dataset = await keptDataset(store, id, ownerSeenBy(caller));
      // Noted first: a crash in between leaves a note of a file that is still named, which a collection drops.
      await queue.inventory.leftovers.add([blobName(dataset.file.digest)]);
      await dropDataset(store, dataset.id);
      await dropProfile(store, dataset, await keptDatasets(store));
      return reply.code(204).send(undefined);
    },
  );
};
