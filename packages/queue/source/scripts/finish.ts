import { script } from '../redis/script.ts';
import { prelude } from './prelude.ts';

/**
 * A stage has its result. Stages that waited only for this one are queued; the job succeeds with its last stage.
 * When the same attempt sends it twice (a lost reply), the second call changes nothing and answers as the first.
 *
 * ARGV: stage, attempt, result as JSON, the best student of a report as JSON or '', whether the result was 'reused' or 'computed'
 * or '' where that has no meaning. Returns the stages that are queued now.
 */
export const succeedScript = script(`${prelude}
local stage, attempt = ARGV[1], ARGV[2]
local again = get(stage, 'attempt') == attempt and get(stage, 'state') == 'succeeded'
if not again then
  local refused = refusal(stage, attempt)
  if refused then return refused end
  redis.call('HSET', results, stage, ARGV[3])
  set(stage, 'finishedAt', now())
  learn(stage)
  countEnd(stage, 'succeeded')
  if ARGV[5] ~= '' then count('results ' .. get(stage, 'kind') .. ' ' .. ARGV[5]) end
  moveStage(stage, 'succeeded')
  if get(stage, 'kind') == 'report' then
    if ARGV[4] ~= '' then redis.call('HSET', job, 'best', ARGV[4]) end
    appendEvent('type', 'report', 'stage', stage, 'attempt', attempt)
  end
end
local ready, all = {}, true
for other in stages() do
  local state = get(other, 'state')
  if state ~= 'succeeded' then all = false end
  if state == 'waiting' then
    if needsMet(other) then
      moveStage(other, 'queued')
      table.insert(ready, other)
    end
  elseif again and state == 'queued' then
    table.insert(ready, other)
  end
end
if not again then
  if all then endJob('succeeded') else finishStopping() end
  changed()
end
return ready
`);

/**
 * A stage has failed, or its worker hands it back. It is queued again, after a failure with a growing delay, until it has failed the given number of times
 * without getting further: then the job fails and all its stages that have not ended are cancelled, so that the fence
 * refuses those that still run. When the same attempt sends it twice, the second call changes nothing and answers as the
 * first.
 *
 * ARGV: stage, attempt, reason as JSON or '' (handed back), most failures, earlier stages that must run again first, the code
 * of the reason. Returns the failures, 0 after the last one.
 */
export const failScript = script(`${prelude}
local stage, attempt, reason = ARGV[1], ARGV[2], ARGV[3]
local state = get(stage, 'state')
if get(stage, 'attempt') == attempt and (state == 'failed' or state == 'queued' or state == 'waiting' or state == 'cancelled') then
  return (state == 'queued' or state == 'waiting') and tonumber(get(stage, 'failures') or 0) or 0
end
local refused = refusal(stage, attempt)
if refused then return refused end
local failures = 0
if reason ~= '' then
  count('failures ' .. ARGV[6])
  set(stage, 'reason', reason)
  failures = countFailure(stage)
end
local last = failures >= tonumber(ARGV[4])
countEnd(stage, reason == '' and 'stopped' or last and 'failed' or 'retried')
if not last then
  release(stage, reason)
  if ARGV[5] ~= '' and redis.call('HGET', job, 'state') ~= 'cancelled' then rewind(ARGV[5], reason) end
  if failures > 0 then postpone(stage, math.min(60000, 1000 * 2 ^ failures)) end
else
  failures = 0
  local time = now()
  set(stage, 'finishedAt', time)
  moveStage(stage, 'failed', reason)
  for other in stages() do
    local state = get(other, 'state')
    if state == 'waiting' or state == 'queued' or state == 'running' then
      if state == 'running' then countEnd(other, 'cancelled') end
      set(other, 'finishedAt', time)
      moveStage(other, 'cancelled')
    end
  end
  redis.call('HSET', job, 'reason', reason)
  endJob('failed', reason)
end
changed()
return failures
`);
