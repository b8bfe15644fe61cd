import { script } from '../redis/script.ts';

/**
 * Chooses the stage that the holder of a ticket runs next. A worker that takes over a lost ticket gets the stage that runs
 * under it. Otherwise the highest priority comes first; within it the owner of whom the fewest stages run, of these the
 * one that was served longest ago; and of that owner's stages those of jobs that have begun before the others, each by
 * the age of the job, in the order of its plan.
 *
 * Stages that require what the worker is not capable of are left to other workers; capabilities.ts of
 * @distillery/spec has the forms of requirements and capabilities. A stage that would make what a running stage
 * of another job is making waits: when that one has ended, it finds the result in the store.
 *
 * A member of the ready list is `<10 - priority> <owner or -> <0 begun, 1 not> <job> <order in the plan> <stage> <what it
 * requires, joined by commas, or ->`, so its text sorts it. No owner contains a space, and '!' comes right after it.
 *
 * KEYS: ready, delayed, running, served. ARGV: ticket, milliseconds to wait when no ready stage can be taken now, what the keys
 * of all jobs begin with, then what the worker is capable of. Returns {job, stage}; {milliseconds} until the next delayed stage
 * becomes ready; or {}: there is no work.
 *
 * The chosen stage belongs to the ticket from now on: it leaves the ready list and stands under the ticket among those that run, before
 * it begins. Otherwise all workers of an idle fleet choose the same stage at the same moment, one of them gets it, and the others choose
 * again. A worker that dies in between leaves the stage to the next holder of its ticket.
 */
export const chooseScript = script(`
local ready, delayed, running, served = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local lost = redis.call('HGET', running, ARGV[1])
if lost then
  local job, stage = string.match(lost, '^(%S+) (%S+)')
  return {job, stage}
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for _, member in ipairs(redis.call('ZRANGEBYSCORE', delayed, '-inf', now)) do
  redis.call('ZREM', delayed, member)
  redis.call('ZADD', ready, 0, member)
end
if redis.call('ZCARD', ready) == 0 then
  local due = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')[2]
  return due and {math.max(1, due - now)} or {}
end
local busy, making = {}, {}
for _, text in ipairs(redis.call('HVALS', running)) do
  local owner = string.match(text, '%S+$')
  busy[owner] = (busy[owner] or 0) + 1
  local shared = string.match(text, '^%S+ %S+ %S+ (%S+) %S+$')
  if shared and shared ~= '-' then making[shared] = true end
end
local capable, sizes = {['-'] = true}, {}
for i = 4, #ARGV do
  capable[ARGV[i]] = true
  local name, size = string.match(ARGV[i], '^(%w+)=(%d+)$')
  if name then sizes[name] = tonumber(size) end
end
local function fits(member)
  for required in string.gmatch(string.match(member, '%S+$'), '[^,]+') do
    local name, least = string.match(required, '^(%w+)>=(%d+)$')
    if name then
      if (sizes[name] or 0) < tonumber(least) then return false end
    elseif not capable[required] then
      return false
    end
  end
  if not next(making) then return true end
  local job, stage = string.match(member, '^%S+ %S+ %S+ (%S+) %S+ (%S+) %S+$')
  local shared = redis.call('HGET', ARGV[3] .. job, 's:' .. stage .. ':shares')
  return not shared or not making[shared]
end
local function after(bound)
  return redis.call('ZRANGEBYLEX', ready, bound, '+', 'LIMIT', 0, 1)[1]
end
-- For each owner the first stage that the worker is capable of, from the highest priority that has one.
local best, fewest, oldest, priority
local member = after('-')
while member and (not best or string.sub(member, 1, 3) == priority) do
  local head, owner = string.match(member, '^(%S+ (%S+) )')
  if fits(member) then
    local count, last = busy[owner] or 0, tonumber(redis.call('HGET', served, owner) or 0)
    if not best or count < fewest or (count == fewest and last < oldest) then
      best, fewest, oldest, priority = member, count, last, string.sub(member, 1, 3)
    end
    member = after('[' .. string.sub(head, 1, -2) .. '!')
  else
    member = after('(' .. member)
  end
end
if not best then return {tonumber(ARGV[2])} end
local owner, job, stage, requires = string.match(best, '^%S+ (%S+) %S+ (%S+) %S+ (%S+) (%S+)$')
local shares = redis.call('HGET', ARGV[3] .. job, 's:' .. stage .. ':shares') or '-'
redis.call('ZREM', ready, best)
redis.call('HSET', running, ARGV[1], table.concat({job, stage, requires, shares, owner}, ' '))
return {job, stage}
`);
