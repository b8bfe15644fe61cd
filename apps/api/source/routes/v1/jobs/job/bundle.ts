import { formats } from '@distillery/formats';
import type { Report } from '@distillery/spec';
import { version } from '@distillery/training';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { bundleFile } from '../../../../bundle-file.ts';
import { formatParameters, optionsOf } from '../../../../http/format-parameters.ts';
import { problems } from '../../../../http/responses.ts';
import { sendFile } from '../../../../http/send-file.ts';
import { modelCard } from '../../../../model-card.ts';
import type { Services } from '../../../../services.ts';
import { licenseParameter } from './license.ts';
import { params } from './params.ts';
import {
  checkpointParameter,
  fileHeaders,
  fileName,
  seedParameter,
  storedWeights,
  studentRun,
} from './trained-network.ts';
import { sentHeaders } from './sent-headers.ts';

/** `GET /v1/jobs/:id/students/:name/bundle` */
export const bundle: FastifyPluginAsyncZod<Services> = async (app, services) => {
  const { records, store } = services;
  const binary = { 'application/zip': { schema: z.string().meta({ format: 'binary' }) } };
  app.route({
    method: ['GET', 'HEAD'],
    config: { ifMatch: true },
    url: '/students/:name/bundle',
    schema: {
      operationId: 'getBundle',
      tags: ['weights'],
      'x-response-headers': sentHeaders,
      summary:
        'A zip archive with a student in a format, its model card, labels, preparation, and programs that run it',
      params: params.extend({ name: z.string() }),
      querystring: z.strictObject({
        checkpoint: checkpointParameter,
        ...formatParameters(),
        seed: seedParameter,
        license: licenseParameter,
      }),
      headers: fileHeaders,
      response: {
        200: { description: 'The archive', content: binary },
        206: { description: 'The requested range of the archive', content: binary },
        304: z.undefined().describe('The archive has not changed'),
        ...problems,
      },
    },
    handler: async (request, reply) => {
      const { id, name } = request.params;
      const { seed, license, checkpoint, format: type, ...given } = request.query;
      const format = formats.get(type);
      const options = optionsOf(format, given);
      const run = await studentRun(services, id, name, seed);
      const { digest } = await storedWeights(services, id, run, checkpoint);
      const report = JSON.parse(await records.ask('report', id)) as Report;
      const card = modelCard(report, { name, license, version });
      const file = await bundleFile(store, { digest, format: type, options, card }, (choice) =>
        records.ask('encodeBundle', id, choice),
      );
      const stem = await fileName(services, id, run, checkpoint);
      return await sendFile(request, reply, file, {
        mediaType: 'application/zip',
        name: `${stem}-${type}.zip`,
      });
    },
  });
};
