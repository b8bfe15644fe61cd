import { script } from '../redis/script.ts';
import { commonKeys, prelude } from './prelude.ts';

/**
 * What people ask of a job. Each is idempotent: asked again, it changes nothing and answers as before. What the state
 * forbids is an error CONFLICT with that state.
 */

const known = `
local state = redis.call('HGET', job, 'state')
if not state then return redis.error_reply('UNKNOWN no such job') end
local function forbidden() return redis.error_reply('CONFLICT ' .. state) end
`;

/** Stages that wait are cancelled at once; one that runs is when its trainer has committed its checkpoint. */
export const cancelScript = script(`${prelude}${known}
if state == 'cancelling' or state == 'cancelled' then return 0 end
if state == 'succeeded' or state == 'failed' then return forbidden() end
moveJob('cancelling')
for stage in stages() do
  local its = get(stage, 'state')
  if its == 'waiting' or its == 'queued' then
    set(stage, 'finishedAt', now())
    moveStage(stage, 'cancelled')
  end
end
settle()
changed()
return 1
`);

/** No stage is picked up any more, and those that run are handed back. */
export const pauseScript = script(`${prelude}${known}
if state == 'pausing' or state == 'paused' then return 0 end
if state ~= 'queued' and state ~= 'running' then return forbidden() end
moveJob('pausing')
settle()
changed()
return 1
`);

export const resumeScript = script(`${prelude}${known}
if state == 'queued' or state == 'running' then return 0 end
if state ~= 'pausing' and state ~= 'paused' then return forbidden() end
moveJob(redis.call('HGET', job, 'startedAt') and 'running' or 'queued')
changed()
return 1
`);

/**
 * What failed or was cancelled is to be done again, from its last checkpoint; the time limit begins anew.
 *
 * ARGV: who asks or '', and how many jobs of theirs may be on their way: an error QUOTA with how many there are.
 */
export const retryScript = script(`${prelude}${known}
if state == 'queued' or state == 'running' then return 0 end
if state ~= 'failed' and state ~= 'cancelled' then return forbidden() end
if redis.call('HGET', job, 'owner') == ARGV[1] and liveOf(ARGV[1]) >= tonumber(ARGV[2]) then
  return redis.error_reply('QUOTA ' .. liveOf(ARGV[1]))
end
redis.call('HDEL', job, 'finishedAt', 'startedAt', 'reason')
moveJob('queued')
for stage in stages() do
  local its = get(stage, 'state')
  if its == 'failed' or its == 'cancelled' then
    local met = true
    for need in string.gmatch(get(stage, 'needs'), '%S+') do
      if get(need, 'state') ~= 'succeeded' then met = false break end
    end
    unset(stage, 'finishedAt', 'startedAt', 'worker', 'reason', 'progress', 'progressAt', 'from', 'coarse', 'failures')
    moveStage(stage, met and 'queued' or 'waiting')
  end
end
changed()
return 1
`);

/**
 * Forgets a job that has ended.
 *
 * KEYS: those of every script, spec, all jobs, then one index for each label and for the owner. ARGV: id.
 */
export const removeScript = script(`${prelude}
local state = redis.call('HGET', job, 'state')
if not state then return 0 end
if state ~= 'succeeded' and state ~= 'failed' and state ~= 'cancelled' then
  return redis.error_reply('CONFLICT ' .. state)
end
redis.call('ZREM', byState[state], ARGV[1])
redis.call('ZREM', KEYS[${commonKeys + 2}], ARGV[1])
for i = ${commonKeys + 3}, #KEYS do redis.call('ZREM', KEYS[i], ARGV[1]) end
redis.call('DEL', job, results, metrics, events, KEYS[${commonKeys + 1}])
return 1
`);
