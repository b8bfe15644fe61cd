import { script } from '../script.ts';
import { prelude } from './prelude.ts';

/**
 * A stage has its result. Stages that waited for it alone are queued; when all have succeeded, so has the job.
 * Sent twice by the same attempt (a lost reply), the second does nothing and answers as the first.
 *
 * ARGV: stage, attempt, result as JSON. Returns the stages that are queued now.
 */
export const succeedScript = script(`${prelude}
local stage, attempt = ARGV[1], ARGV[2]
local again = get(stage, 'attempt') == attempt and get(stage, 'state') == 'succeeded'
if not again then
  local refused = refusal(stage, attempt)
  if refused then return refused end
  redis.call('HSET', results, stage, ARGV[3])
  set(stage, 'finishedAt', now())
  moveStage(stage, 'succeeded')
end
local ready, all = {}, true
for other in stages() do
  local state = get(other, 'state')
  if state ~= 'succeeded' then all = false end
  if state == 'waiting' then
    local met = true
    for need in string.gmatch(get(other, 'needs'), '%S+') do
      if get(need, 'state') ~= 'succeeded' then met = false break end
    end
    if met then
      moveStage(other, 'queued')
      table.insert(ready, other)
    end
  elseif again and state == 'queued' then
    table.insert(ready, other)
  end
end
if not again then
  if all then endJob('succeeded') else settle() end
  changed()
end
return ready
`);

/**
 * A stage has failed, or its worker gives it back. Not final: it is queued again. Final: the job has failed, and
 * every stage that has not ended is cancelled, which also closes the fence to those that run.
 *
 * ARGV: stage, attempt, reason as JSON or '', '1' when final.
 */
export const failScript = script(`${prelude}
local stage, attempt, reason, final = ARGV[1], ARGV[2], ARGV[3], ARGV[4] == '1'
local state = get(stage, 'state')
local ended = state == (final and 'failed' or 'queued') or (not final and state == 'cancelled')
if get(stage, 'attempt') == attempt and ended then return 0 end
local refused = refusal(stage, attempt)
if refused then return refused end
if reason ~= '' then set(stage, 'reason', reason) end
if not final then
  release(stage, reason)
else
  local time = now()
  set(stage, 'finishedAt', time)
  moveStage(stage, 'failed', reason)
  for other in stages() do
    local state = get(other, 'state')
    if state == 'waiting' or state == 'queued' or state == 'running' then
      set(other, 'finishedAt', time)
      moveStage(other, 'cancelled')
    end
  end
  redis.call('HSET', job, 'reason', reason)
  endJob('failed')
end
changed()
return 1
`);
