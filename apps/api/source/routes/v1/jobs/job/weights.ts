import { formats } from '@distillery/formats';
import { DistilleryError } from '@distillery/spec';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { formatParameters, optionsOf } from '../../../../http/format-parameters.ts';
import { problems } from '../../../../http/responses.ts';
import { sendFile } from '../../../../http/send-file.ts';
import type { JobNetwork } from '../../../../networks.ts';
import type { Services } from '../../../../services.ts';
import { weightFile } from '../../../../weight-files.ts';
import { params } from './params.ts';
import { sentHeaders } from './sent-headers.ts';
import {
  checkpointParameter,
  fileHeaders,
  fileName,
  seedParameter,
  storedWeights,
  studentRun,
} from './trained-network.ts';

/** `/v1/jobs/:id/teacher/weights`, `/v1/jobs/:id/teachers/:name/weights`, `/v1/jobs/:id/students/:name/weights` */
export const weights: FastifyPluginAsyncZod<Services> = async (app, services) => {
  const { store, records } = services;
  const querystring = z.strictObject({ checkpoint: checkpointParameter, ...formatParameters() });
  const response = responses();
  const described = { tags: ['weights'], 'x-response-headers': sentHeaders };

  app.route({
    method: ['GET', 'HEAD'],
    config: { ifMatch: true },
    url: '/teacher/weights',
    schema: {
      operationId: 'getTeacherWeights',
      ...described,
      summary: "The teacher's weights",
      params,
      querystring,
      headers: fileHeaders,
      response,
    },
    handler: async (request, reply) => {
      const { id } = request.params;
      return send(request, reply, id, await teacherOf(id, 'teacher'), request.query);
    },
  });

  app.route({
    method: ['GET', 'HEAD'],
    config: { ifMatch: true },
    url: '/teachers/:name/weights',
    schema: {
      operationId: 'getNamedTeacherWeights',
      ...described,
      summary: "One of several teachers' weights; `teacher` is the first one's name",
      params: params.extend({ name: z.string() }),
      querystring,
      headers: fileHeaders,
      response,
    },
    handler: async (request, reply) => {
      const { id, name } = request.params;
      return send(request, reply, id, await teacherOf(id, name), request.query);
    },
  });

  app.route({
    method: ['GET', 'HEAD'],
    config: { ifMatch: true },
    url: '/students/:name/weights',
    schema: {
      operationId: 'getStudentWeights',
      ...described,
      summary: "A student's weights",
      params: params.extend({ name: z.string() }),
      querystring: querystring.extend({ seed: seedParameter }),
      headers: fileHeaders,
      response,
    },
    handler: async (request, reply) => {
      const { id, name } = request.params;
      const { seed: wanted, ...query } = request.query;
      const run = await studentRun(services, id, name, wanted);
      return send(request, reply, id, run, query);
    },
  });

  async function send(
    request: FastifyRequest,
    reply: FastifyReply,
    id: string,
    network: JobNetwork,
    { checkpoint, format: type, ...given }: { checkpoint: string; format: string },
  ): Promise<FastifyReply> {
    const format = formats.get(type);
    const options = optionsOf(format, given);
    const found = await storedWeights(services, id, network, checkpoint);
    const file = await weightFile(store, found, format, options, (choice) =>
      records.ask('encodeWeights', id, choice),
    );
    const stem = await fileName(services, id, network, checkpoint);
    const { mediaType, extension } = format;
    return await sendFile(request, reply, file, { mediaType, name: `${stem}.${extension}` });
  }

  async function teacherOf(id: string, name: string): Promise<JobNetwork> {
    const teachers = await records.ask('networks', id, { role: 'teacher' });
    const found = teachers.find((teacher) => teacher.name === name);
    if (found !== undefined) return found;
    const names = teachers.map((teacher) => teacher.name).join(', ');
    const reason = names === '' ? 'its students teach each other' : `its teachers are: ${names}`;
    throw new DistilleryError('teacher_not_found', `the job has no teacher ${name}; ${reason}`);
  }
};

function responses() {
  const binary = { schema: z.string().meta({ format: 'binary' }) };
  const content = Object.fromEntries(formats.list.map(({ mediaType }) => [mediaType, binary]));
  return {
    200: { description: "A file of the format, with PyTorch's parameter names", content },
    206: { description: 'The requested range of the file', content },
    304: z.undefined().describe('The file has not changed'),
    ...problems,
  };
}
