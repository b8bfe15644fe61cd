import { expect, test } from 'vitest';
import { privateApi, problem, submitted } from './testing/api.ts';

const held = privateApi();

const order = (id: string, what: string) => held.request(`/v1/jobs/${id}/${what}`, { method: 'POST' });
const remove = (id: string) => held.request(`/v1/jobs/${id}`, { method: 'DELETE' });
const stateOf = async (response: Response) => ((await response.json()) as { state: string }).state;

test('a job is paused, resumed, cancelled and retried; each request can be repeated', async () => {
  const { id } = await submitted(held);
  const expected = [
    ['pause', 'paused'],
    ['resume', 'queued'],
    ['cancel', 'cancelled'],
    ['retry', 'queued'],
  ] as const;
  for (const [what, state] of expected) {
    for (let again = 0; again < 2; again++) {
      const response = await order(id, what);
      expect([what, response.status, await stateOf(response)]).toEqual([what, 200, state]);
    }
  }
});

test('a control needs no body, and a JSON content type without one changes nothing', async () => {
  const { id } = await submitted(held);
  const headers = { 'content-type': 'application/json' };
  const response = await held.request(`/v1/jobs/${id}/cancel`, { method: 'POST', headers });
  expect([response.status, await stateOf(response)]).toEqual([200, 'cancelled']);
});

test('a condition that is not evaluated refuses the request', async () => {
  const { id } = await submitted(held);
  const tag = (await held.request(`/v1/jobs/${id}`)).headers.get('etag') as string;
  for (const [path, method] of [
    ['/cancel', 'POST'],
    ['', 'DELETE'],
  ]) {
    const response = await held.request(`/v1/jobs/${id}${path}`, { method, headers: { 'if-match': tag } });
    expect([response.status, (await problem(response)).code]).toEqual([412, 'precondition_failed']);
  }
  expect((await held.queue.jobs.get(id)).view.state).toBe('queued');
  await order(id, 'cancel');
});

test('an action that the state does not allow is a conflict that names the state', async () => {
  const { id } = await submitted(held);
  await order(id, 'cancel');
  for (const what of ['pause', 'resume']) {
    const response = await order(id, what);
    expect([response.status, await problem(response)]).toEqual([
      409,
      expect.objectContaining({ code: 'state_conflict', detail: expect.stringContaining('is cancelled') }),
    ]);
  }
  const live = await submitted(held);
  expect((await problem(await remove(live.id))).code).toBe('state_conflict');
  await order(live.id, 'cancel');
  expect((await problem(await order('job_x', 'cancel'))).code).toBe('job_not_found');
  expect((await problem(await remove('job_x'))).code).toBe('job_not_found');
});
