import {
  datasetProfileSchema,
  DistilleryError,
  newDatasetSchema,
  type StoredDataset,
  storedDatasetSchema,
} from '@distillery/spec';
import {
  datasetIfKept,
  dropDataset,
  dropProfile,
  failureOf,
  fetches,
  fetchOf,
  keptDataset,
  keptDatasets,
  profileOf,
} from '@distillery/training';
import { openToProjects } from '../../http/open-to-projects.ts';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { blobName } from '../../artifacts/named.ts';
import { dropFetched } from '../../fetches/fetcher.ts';
import { fetchView } from '../../fetches/view.ts';
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
  { queue, store, submissions, profiler, fetcher },
) => {
  openToProjects(app);
  app.setValidatorCompiler(validatorWithoutBody);

  app.post(
    '/datasets',
    {
      config: { ...config, textBody: true },
      schema: {
        operationId: 'createDataset',
        tags,
        summary: 'Make a data set of an uploaded file, or of one on the web',
        description:
          'A file at a `url` is fetched first: the data set is `fetching` meanwhile, and `failed` with the reason where that is impossible; hosts that are not public are refused unless `FETCH_NETWORKS` allows them. The file is read once by a process of its own, which counts what is in it; the data set is `ready` then, or `refused` with the reason. A job names it as `{"source": "uploaded", "id": "…"}`. The same file, options, owner and name again return the data set that is there.',
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
      fetcher.run();
      reply.code(201).header('location', `/v1/datasets/${id}`);
      return seen(id, undefined);
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
      const owner = ownerSeenBy(caller);
      // Asked for first: what gets its file meanwhile is among both.
      const coming = await fetches(store, owner);
      const kept = await keptDatasets(store, owner);
      const there = new Set(kept.map(({ id }) => id));
      const views = await Promise.all([
        ...coming.filter(({ id }) => !there.has(id)).map((fetch) => fetchView(store, fetch)),
        ...kept.map((dataset) => datasetView(store, dataset)),
      ]);
      return { datasets: views.sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1)) };
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
    async ({ params: { dataset }, caller }) => seen(dataset, ownerSeenBy(caller)),
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
      const owner = ownerSeenBy(caller);
      await refuseFetched(dataset, owner);
      const found = await profileOf(store, await keptDataset(store, dataset, owner));
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
      const owner = ownerSeenBy(caller);
      const fetch = await fetchOf(store, id, owner);
      if (fetch !== undefined) await dropFetched(queue, store, id);
      const dataset = await keptDataset(store, id, owner).catch((error: unknown) => {
        if (fetch === undefined) throw error;
        return undefined;
      });
      if (dataset === undefined) return reply.code(204).send(undefined);
      // Noted first: a crash in between leaves a note of a file that is still named, which a collection drops.
      await queue.inventory.leftovers.add([blobName(dataset.file.digest)]);
      await dropDataset(store, dataset.id);
      await dropProfile(store, dataset, await keptDatasets(store));
      return reply.code(204).send(undefined);
    },
  );

  /** @throws DistilleryError `dataset_not_found` */
  async function seen(id: string, owner: string | undefined): Promise<StoredDataset> {
    const fetch =
      (await datasetIfKept(store, id)) === undefined ? await fetchOf(store, id, owner) : undefined;
    return fetch === undefined
      ? datasetView(store, await keptDataset(store, id, owner))
      : fetchView(store, fetch);
  }

  /** @throws DistilleryError `not_ready` while the file is fetched; the reason where it was not */
  async function refuseFetched(id: string, owner: string | undefined): Promise<void> {
    if ((await datasetIfKept(store, id)) !== undefined || (await fetchOf(store, id, owner)) === undefined)
      return;
    const failure = await failureOf(store, id);
    if (failure !== undefined)
      throw new DistilleryError('data_error', `the file was not fetched: ${failure.message}`);
    throw new DistilleryError('not_ready', 'the file is still being fetched: ask again in a few seconds');
  }
};
