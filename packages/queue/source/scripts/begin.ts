import { script } from '../redis/script.ts';
import { prelude } from './prelude.ts';

/**
 * A worker takes a stage and begins a new attempt; from now on older attempts are refused. A stage that is still running
 * has lost its worker, which counts as a failure.
 *
 * ARGV: stage, worker. Returns {'begun', attempt, start of the job in ms, failures} or {'skip', why}.
 */
export const beginScript = script(`${prelude}
local stage, worker = ARGV[1], ARGV[2]
local jobState = redis.call('HGET', job, 'state')
if not jobState then return {'skip', 'job_unknown'} end
local state = get(stage, 'state')
if (jobState == 'pausing' or jobState == 'cancelling') and state == 'running' then
  -- Its worker was lost before it could hand the stage back; from now on that worker is refused.
  redis.call('HINCRBY', job, 's:' .. stage .. ':attempt', 1)
  release(stage, '')
  changed()
end
if jobState ~= 'queued' and jobState ~= 'running' then return {'skip', 'job_' .. jobState} end
if not state then return {'skip', 'stage_unknown'} end
if state ~= 'queued' and state ~= 'running' then return {'skip', 'stage_' .. state} end
local time = now()
local failures = state == 'running' and countFailure(stage) or tonumber(get(stage, 'failures') or 0)
local attempt = redis.call('HINCRBY', job, 's:' .. stage .. ':attempt', 1)
unset(stage, 'finishedAt', 'progress', 'progressAt', 'from', 'reason')
set(stage, 'worker', worker)
set(stage, 'startedAt', time)
if jobState == 'queued' then
  redis.call('HSET', job, 'startedAt', time)
  moveJob('running')
end
moveStage(stage, 'running')
changed()
return {'begun', tostring(attempt), redis.call('HGET', job, 'startedAt'), tostring(failures)}
`);
