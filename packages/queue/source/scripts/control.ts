import { script } from '../redis/script.ts';
import { commonKeys, prelude } from './prelude.ts';

/**
 * What people ask of a job. Every request can be repeated: the second time it changes nothing and answers as before. A
 * request that the state of the job does not allow is an error CONFLICT with that state.
 */

const known = `
local state = redis.call('HGET', job, 'state')
if not state then return redis.error_reply('UNKNOWN no such job') end
local function conflict() return redis.error_reply('CONFLICT ' .. state) end
`;

/** Stages that wait are cancelled at once, a running stage once its trainer has committed a checkpoint. */
export const cancelScript = script(`${prelude}${known}
if state == 'cancelling' or state == 'cancelled' then return 0 end
if state == 'succeeded' or state == 'failed' then return conflict() end
moveJob('cancelling')
for stage in stages() do
  local its = get(stage, 'state')
  if its == 'waiting' or its == 'queued' then
    set(stage, 'finishedAt', now())
    moveStage(stage, 'cancelled')
  end
end
finishStopping()
changed()
return 1
`);

/** No stage is taken any more, and workers hand back the stages that run. */
export const pauseScript = script(`${prelude}${known}
if state == 'pausing' or state == 'paused' then return 0 end
if state ~= 'queued' and state ~= 'running' then return conflict() end
moveJob('pausing')
finishStopping()
changed()
return 1
`);

export const resumeScript = script(`${prelude}${known}
if state == 'queued' or state == 'running' then return 0 end
if state ~= 'pausing' and state ~= 'paused' then return conflict() end
moveJob(redis.call('HGET', job, 'startedAt') and 'running' or 'queued')
changed()
return 1
`);

/**
 * Stages that failed or were cancelled are queued again and go on from their last checkpoints, and those that have lost their
 * artifacts run again; the time limit of the job starts anew.
 *
 * ARGV: the owner who asks or '', the most unfinished jobs that this owner may have (an error QUOTA with the current count),
 * and the stages of a succeeded job that have lost their artifacts.
 */
export const retryScript = script(`${prelude}${known}
if state == 'queued' or state == 'running' then return 0 end
if state ~= 'failed' and state ~= 'cancelled' and (state ~= 'succeeded' or ARGV[3] == '') then return conflict() end
if redis.call('HGET', job, 'owner') == ARGV[1] and countLive(ARGV[1]) >= tonumber(ARGV[2]) then
  return redis.error_reply('QUOTA ' .. countLive(ARGV[1]))
end
redis.call('HDEL', job, 'finishedAt', 'startedAt', 'reason')
moveJob('queued')
for stage in stages() do
  local its = get(stage, 'state')
  if its == 'failed' or its == 'cancelled' then
    unset(stage, 'finishedAt', 'startedAt', 'worker', 'reason', 'progress', 'fraction', 'progressAt', 'from', 'failures')
    moveStage(stage, needsMet(stage) and 'queued' or 'waiting')
  end
end
if ARGV[3] ~= '' then rewind(ARGV[3], '') end
changed()
return 1
`);

/**
 * Deletes the record of a job that has ended, and notes its artifacts in the same step: at no time is an artifact neither
 * named by a record nor noted.
 *
 * Where there are webhooks, what they tell of a job stays for a day: its last events may not have been passed to them yet.
 *
 * KEYS: those of every script, spec, all jobs, leftovers, the cursor of webhooks, the deleted job, one index for each label and
 * for the owner, then the metrics of each stage. ARGV: id, the number of indexes, then the names of its artifacts.
 */
export const removeScript = script(`${prelude}
local state = redis.call('HGET', job, 'state')
if not state then return 0 end
if state ~= 'succeeded' and state ~= 'failed' and state ~= 'cancelled' then
  return redis.error_reply('CONFLICT ' .. state)
end
redis.call('ZREM', byState[state], ARGV[1])
redis.call('ZREM', ended, ARGV[1])
redis.call('ZREM', KEYS[${commonKeys + 2}], ARGV[1])
for i = 3, #ARGV do redis.call('SADD', KEYS[${commonKeys + 3}], ARGV[i]) end
if redis.call('EXISTS', KEYS[${commonKeys + 4}]) == 1 then
  local kept = KEYS[${commonKeys + 5}]
  for _, field in ipairs({'id', 'name', 'labels', 'owner', 'best', 'webhooks'}) do
    local value = redis.call('HGET', job, field)
    if value then redis.call('HSET', kept, field, value) end
  end
  redis.call('EXPIRE', kept, 86400)
end
local stages = ${commonKeys + 6} + ARGV[2]
for i = ${commonKeys + 6}, stages - 1 do redis.call('ZREM', KEYS[i], ARGV[1]) end
for i = stages, #KEYS do redis.call('UNLINK', KEYS[i]) end
redis.call('UNLINK', job, results, metrics, events, KEYS[${commonKeys + 1}])
return 1
`);
