import { formats } from '@distillery/formats';
import { type Checkpoint, DistilleryError, isTerminal } from '@distillery/spec';
import type { FastifyReply, FastifyRequest, FastifySchema } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { formatParameters, optionsOf } from '../../../../http/format-parameters.ts';
import { problems } from '../../../../http/responses.ts';
import { sendFile } from '../../../../http/send-file.ts';
import { checkpointNames, checkpointsOf, isBlackBox, type JobNetwork } from '../../../../networks.ts';
import type { Services } from '../../../../services.ts';
import { weightFile } from '../../../../weight-files.ts';
import { params } from './params.ts';

const checkpoint = z
  .enum(checkpointNames)
  .default('best')
  .describe('`best` is chosen on the validation split; without one it is the last epoch.');
const seed = z.coerce
  .number()
  .int()
  .min(0)
  .max(4294967295)
  .optional()
  .describe('The seed of the run. Default: the first of the job.');

const headers = z.looseObject({
  range: z.string().optional().describe('One range of bytes, such as `bytes=0-1023`.'),
  'if-range': z.string().optional().describe('An entity tag: the range is sent only of the same file.'),
  'if-match': z
    .string()
    .optional()
    .describe('Entity tags: `precondition_failed` when the file has none of them.'),
  'if-none-match': z.string().optional().describe('Entity tags of files that the client has.'),
});
/** `/v1/jobs/:id/teacher/weights`, `/v1/jobs/:id/teachers/:name/weights`, `/v1/jobs/:id/students/:name/weights` */
export const weights: FastifyPluginAsyncZod<Services> = async (app, { queue, store, records }) => {
  const querystring = z.strictObject({ checkpoint, ...formatParameters() });
  const response = responses();
  const described = { tags: ['weights'], 'x-response-headers': fileHeaders };

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
      headers,
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
      headers,
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
      querystring: querystring.extend({ seed }),
      headers,
      response,
    },
    handler: async (request, reply) => {
      const { id, name } = request.params;
      const { seed: wanted, ...query } = request.query;
      const runs = await records.ask('networks', id, { role: 'student', name });
      if (runs.length === 0) {
        throw new DistilleryError('student_not_found', `the job has no student ${name}`);
      }
      const run = wanted === undefined ? runs[0] : runs.find((one) => one.seed === wanted);
      if (run === undefined) {
        const seeds = runs.map((one) => one.seed).join(', ');
        throw new DistilleryError(
          'checkpoint_not_found',
          `${name} has no seed ${wanted}; its seeds are: ${seeds}`,
        );
      }
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
    const found = await stored(id, network, checkpoint);
    const file = await weightFile(store, found, format, options, (choice) =>
      records.ask('encodeWeights', id, choice),
    );
    const seed = network.role === 'student' ? [`seed${network.seed}`] : [];
    const parts = [await nameOf(id), network.name, ...seed, checkpoint];
    const { mediaType, extension } = format;
    return await sendFile(request, reply, file, { mediaType, name: `${parts.join('-')}.${extension}` });
  }

  async function teacherOf(id: string, name: string): Promise<JobNetwork> {
    const teachers = await records.ask('networks', id, { role: 'teacher' });
    const found = teachers.find((teacher) => teacher.name === name);
    if (found !== undefined) return found;
    const names = teachers.map((teacher) => teacher.name).join(', ');
    const reason = names === '' ? 'its students teach each other' : `its teachers are: ${names}`;
    throw new DistilleryError('teacher_not_found', `the job has no teacher ${name}; ${reason}`);
  }

  async function stored(id: string, network: JobNetwork, which: string): Promise<Checkpoint> {
    const found = checkpointsOf(network).find(({ checkpoint }) => checkpoint === which);
    if (found !== undefined) return found;
    if (isBlackBox(network)) {
      const message = `the teacher ${network.name} is known by its outputs alone: there are no weights to download`;
      throw new DistilleryError('checkpoint_not_found', message);
    }
    const { state } = await queue.jobs.header(id);
    if (isTerminal(state)) {
      throw new DistilleryError(
        'checkpoint_not_found',
        `the job has ${state} before ${network.stage} was trained`,
      );
    }
    throw new DistilleryError('not_ready', `${network.stage} has not been trained yet`);
  }

  /** Returns a job's name in letters, digits and characters that every file system accepts, or its id if it has none. */
  async function nameOf(id: string): Promise<string> {
    const header = await queue.jobs.header(id);
    const name = (header.name ?? '')
      .replaceAll(/[^\p{L}\p{M}\p{N}._-]+/gu, '-')
      .replaceAll(/^[-.]+|-+$/g, '');
    return name || id;
  }
};

const whole = ['ETag', 'Accept-Ranges', 'Content-Disposition', 'Repr-Digest'] as const;
const fileHeaders = {
  200: whole,
  206: [...whole, 'Content-Range'],
  304: ['ETag'],
} satisfies FastifySchema['x-response-headers'];

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
