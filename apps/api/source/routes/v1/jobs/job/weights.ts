import { type Checkpoint, DistilleryError, isTerminal } from '@distillery/spec';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problems } from '../../../../http/responses.ts';
import { sendBlob } from '../../../../http/send-blob.ts';
import { checkpointNames, checkpointsOf, type JobNetwork, jobNetworks } from '../../../../networks.ts';
import type { Services } from '../../../../services.ts';
import { params } from './params.ts';

const querystring = z.strictObject({
  checkpoint: z
    .enum(checkpointNames)
    .default('best')
    .describe('best: chosen on the validation split, the last epoch where there is none'),
  format: z.literal('safetensors').default('safetensors'),
});
const seed = z.coerce.number().int().min(0).max(4294967295).optional().describe('default: the first');

const headers = z.looseObject({
  range: z.string().optional().describe('one range: `bytes=0-1023`'),
  'if-range': z.string().optional(),
  'if-none-match': z.string().optional(),
});
const content = { 'application/octet-stream': { schema: z.string().meta({ format: 'binary' }) } };
const response = {
  200: { description: 'A safetensors file with names and layout as PyTorch has them', content },
  206: { description: 'The range asked for', content },
  304: z.undefined().describe('As you know it'),
  ...problems,
};

/** `/v1/jobs/:id/teacher/weights`, `/v1/jobs/:id/teachers/:name/weights`, `/v1/jobs/:id/students/:name/weights` */
export const weights: FastifyPluginAsyncZod<Services> = async (app, { queue, store }) => {
  app.route({
    method: ['GET', 'HEAD'],
    url: '/teacher/weights',
    schema: { tags: ['weights'], summary: "The teacher's weights", params, querystring, headers, response },
    handler: async (request, reply) => {
      const { id } = request.params;
      const which = request.query.checkpoint;
      const checkpoint = await stored(id, await teacherOf(id, 'teacher'), which);
      return sendBlob(request, reply, store, checkpoint, await fileName(id, ['teacher', which]));
    },
  });

  app.route({
    method: ['GET', 'HEAD'],
    url: '/teachers/:name/weights',
    schema: {
      tags: ['weights'],
      summary: "One of several teachers' weights; `teacher` is the first one's name",
      params: params.extend({ name: z.string() }),
      querystring,
      headers,
      response,
    },
    handler: async (request, reply) => {
      const { id, name } = request.params;
      const which = request.query.checkpoint;
      const checkpoint = await stored(id, await teacherOf(id, name), which);
      return sendBlob(request, reply, store, checkpoint, await fileName(id, [name, which]));
    },
  });

  app.route({
    method: ['GET', 'HEAD'],
    url: '/students/:name/weights',
    schema: {
      tags: ['weights'],
      summary: "A student's weights",
      params: params.extend({ name: z.string() }),
      querystring: querystring.extend({ seed }),
      headers,
      response,
    },
    handler: async (request, reply) => {
      const { id, name } = request.params;
      const { seed: wanted, checkpoint: which } = request.query;
      const runs = (await jobNetworks(queue, id)).filter(
        (network) => network.role === 'student' && network.name === name,
      );
      if (runs.length === 0) {
        throw new DistilleryError('student_not_found', `the job has no student ${name}`);
      }
      const run = wanted === undefined ? runs[0] : runs.find((one) => one.seed === wanted);
      if (run === undefined) {
        const seeds = runs.map((one) => one.seed).join(', ');
        throw new DistilleryError('checkpoint_not_found', `${name} has no seed ${wanted}, but ${seeds}`);
      }
      const checkpoint = await stored(id, run, which);
      return sendBlob(
        request,
        reply,
        store,
        checkpoint,
        await fileName(id, [name, `seed${run.seed}`, which]),
      );
    },
  });

  async function teacherOf(id: string, name: string): Promise<JobNetwork> {
    const teachers = (await jobNetworks(queue, id)).filter(({ role }) => role === 'teacher');
    const found = teachers.find((teacher) => teacher.name === name);
    if (found !== undefined) return found;
    const names = teachers.map((teacher) => teacher.name).join(', ');
    const why = names === '' ? 'its students teach each other' : `its teachers are: ${names}`;
    throw new DistilleryError('teacher_not_found', `the job has no teacher ${name}; ${why}`);
  }

  async function stored(id: string, network: JobNetwork, which: string): Promise<Checkpoint> {
    const found = checkpointsOf(network).find(({ checkpoint }) => checkpoint === which);
    if (found !== undefined) return found;
    const { view } = await queue.jobs.get(id);
    if (isTerminal(view.state)) {
      throw new DistilleryError(
        'checkpoint_not_found',
        `the job has ${view.state} before ${network.stage} was trained`,
      );
    }
    throw new DistilleryError('not_ready', `${network.stage} has not been trained yet`);
  }

  /** Speaks for itself in a folder of downloads. */
  async function fileName(id: string, parts: string[]): Promise<string> {
    const { view } = await queue.jobs.get(id);
    const job = (view.name ?? '').replaceAll(/[^A-Za-z0-9._-]+/g, '-').replaceAll(/^[-.]+|-+$/g, '');
    return `${[job || id, ...parts].join('-')}.safetensors`;
  }
};
