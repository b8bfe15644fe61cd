import { script } from '../redis/script.ts';
import { prelude } from './prelude.ts';

/**
 * A worker takes a stage and begins a new attempt; from now on older attempts are refused. A stage that is still running
 * under the same ticket has lost its worker, which counts as a failure.
 *
 * ARGV: stage, worker, ticket. Returns {'begun', attempt,
 * start of the job in ms, failures, id of the request that posted it or ''} or {'skip', why}; after a skip the ticket does not lead here again.
 */
export const beginScript = script(`${prelude}
local stage, worker, ticket = ARGV[1], ARGV[2], ARGV[3]
local function skip(why)
  redis.call('HDEL', running, ticket)
  return {'skip', why}
end
local jobState = redis.call('HGET', job, 'state')
if not jobState then return skip('job_unknown') end
local state = get(stage, 'state')
if state == 'running' and get(stage, 'ticket') ~= ticket then return skip('stage_running') end
if (jobState == 'pausing' or jobState == 'cancelling') and state == 'running' then
  -- Its worker was lost before it could hand the stage back; from now on that worker is refused.
  redis.call('HINCRBY', job, 's:' .. stage .. ':attempt', 1)
  countEnd(stage, 'lost')
  release(stage, '')
  changed()
end
if jobState ~= 'queued' and jobState ~= 'running' then return skip('job_' .. jobState) end
if not state then return skip('stage_unknown') end
if state ~= 'queued' and state ~= 'running' then return skip('stage_' .. state) end
local time = now()
if state == 'running' then countEnd(stage, 'lost') end
local failures = state == 'running' and countFailure(stage) or tonumber(get(stage, 'failures') or 0)
local attempt = redis.call('HINCRBY', job, 's:' .. stage .. ':attempt', 1)
unset(stage, 'finishedAt', 'progress', 'fraction', 'progressAt', 'from', 'reason')
set(stage, 'worker', worker)
set(stage, 'startedAt', time)
if jobState == 'queued' then
  redis.call('HSET', job, 'startedAt', time)
  moveJob('running')
end
moveStage(stage, 'running')
set(stage, 'ticket', ticket)
local owner = redis.call('HGET', job, 'owner') or '-'
redis.call('HSET', running, ticket, table.concat(
  {redis.call('HGET', job, 'id'), stage, get(stage, 'requires') or '-', get(stage, 'shares') or '-', owner}, ' '))
count('attempts ' .. get(stage, 'kind') .. ' ' .. (attempt == 1 and 'first' or 'resumed'))
redis.call('HSET', served, owner, redis.call('HINCRBY', served, '', 1))
changed()
return {'begun', tostring(attempt), redis.call('HGET', job, 'startedAt'), tostring(failures),
  redis.call('HGET', job, 'request') or ''}
`);

/** A stage that runs, or that was chosen and has not begun, is queued again because its ticket is gone. ARGV: stage, ticket. */
export const loseScript = script(`${prelude}
local stage, ticket = ARGV[1], ARGV[2]
if get(stage, 'state') ~= 'running' or get(stage, 'ticket') ~= ticket then
  redis.call('HDEL', running, ticket)
  if get(stage, 'state') == 'queued' then list(stage) end
  return 1
end
countEnd(stage, 'lost')
countFailure(stage)
release(stage, '')
changed()
return 1
`);

/** Lists the stages of a job that an earlier version of Distillery has queued; a running one changes its worker. */
export const listScript = script(`${prelude}
if redis.call('EXISTS', job) == 0 then return 0 end
for stage in stages() do
  if get(stage, 'state') == 'running' and not get(stage, 'ticket') then release(stage, '') end
end
listQueued()
recount()
return 1
`);
