import { jobStates } from '@distillery/spec';

const states = jobStates.map((state, i) => `${state} = KEYS[${5 + i}]`).join(', ');

/** How many keys every script is given; what a script wants beside them comes behind. */
export const commonKeys = 5 + jobStates.length;

/**
 * What the scripts of a job share. A job's record is one hash of flat strings: what we store as JSON is written and
 * read by TypeScript alone, because cjson turns an empty list into an object and cuts numbers.
 *
 * Fields: id name labels owner priority state version createdAt startedAt finishedAt reason plan stages, and for each
 * stage `s:<stage>:` state needs attempt worker startedAt finishedAt progress progressAt from coarse told reason failures
 * furthest.
 */
export const prelude = `
local job, results, metrics, events = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local byState = {${states}}
local live = KEYS[${commonKeys}]

local function now()
  local time = redis.call('TIME')
  return string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
end

local function get(stage, field)
  return redis.call('HGET', job, 's:' .. stage .. ':' .. field)
end

local function set(stage, field, value)
  redis.call('HSET', job, 's:' .. stage .. ':' .. field, value)
end

local function unset(stage, ...)
  for _, field in ipairs({...}) do redis.call('HDEL', job, 's:' .. stage .. ':' .. field) end
end

local function changed()
  redis.call('HINCRBY', job, 'version', 1)
end

local function tell(...)
  redis.call('XADD', events, 'MAXLEN', '~', 20000, '*', ...)
end

local function stages()
  return string.gmatch(redis.call('HGET', job, 'stages'), '%S+')
end

-- How many jobs of an owner have not ended; no name holds a space, behind which comes '!'.
local function liveOf(owner)
  return redis.call('ZLEXCOUNT', live, '[' .. owner .. ' ', '(' .. owner .. '!')
end

local function noteLive(id, state)
  local owner = redis.call('HGET', job, 'owner')
  if not owner then return end
  local ended = state == 'succeeded' or state == 'failed' or state == 'cancelled'
  if ended then redis.call('ZREM', live, owner .. ' ' .. id) else redis.call('ZADD', live, 0, owner .. ' ' .. id) end
end

local function moveJob(state)
  local id = redis.call('HGET', job, 'id')
  redis.call('ZREM', byState[redis.call('HGET', job, 'state')], id)
  redis.call('ZADD', byState[state], 0, id)
  redis.call('HSET', job, 'state', state)
  noteLive(id, state)
  tell('type', 'job', 'state', state)
end

local function moveStage(stage, state, reason)
  set(stage, 'state', state)
  tell('type', 'stage', 'stage', stage, 'state', state, 'attempt', get(stage, 'attempt'),
    'worker', get(stage, 'worker') or '', 'reason', reason or '')
end

-- Counts a failure: how many there were now since the stage last got further than ever before.
local function failed(stage)
  return redis.call('HINCRBY', job, 's:' .. stage .. ':failures', 1)
end

-- Stages that are running now.
local function running()
  local count = 0
  for stage in stages() do if get(stage, 'state') == 'running' then count = count + 1 end end
  return count
end

local function endJob(state)
  redis.call('HSET', job, 'finishedAt', now())
  moveJob(state)
end

-- A job that was asked to stop has done so once no stage of it runs.
local function settle()
  local state = redis.call('HGET', job, 'state')
  if (state ~= 'cancelling' and state ~= 'pausing') or running() > 0 then return end
  if state == 'cancelling' then endJob('cancelled') else moveJob('paused') end
end

-- A running stage stops before its end: it is queued again, or has gone with its job.
local function release(stage, reason)
  unset(stage, 'progress', 'progressAt', 'from', 'coarse')
  if redis.call('HGET', job, 'state') == 'cancelling' then
    set(stage, 'finishedAt', now())
    moveStage(stage, 'cancelled', reason)
  else
    moveStage(stage, 'queued', reason)
  end
  settle()
end

-- The fence. Returns an error for the caller to return, or nothing when this attempt owns the stage.
local function refusal(stage, attempt)
  local current = get(stage, 'attempt')
  if not current then return redis.error_reply('UNKNOWN no such stage') end
  if current ~= attempt then
    return redis.error_reply('STALE attempt ' .. attempt .. ' of ' .. stage .. ' was overtaken by attempt ' .. current)
  end
  local state = redis.call('HGET', job, 'state')
  if state ~= 'running' and state ~= 'pausing' and state ~= 'cancelling' then
    return redis.error_reply('STALE the job is ' .. state)
  end
  state = get(stage, 'state')
  if state ~= 'running' then return redis.error_reply('STALE the stage ' .. stage .. ' is ' .. state) end
end

-- Whether this write of the attempt has landed before: it is sent again when its reply was lost.
local function landed(stage, attempt, number)
  if number == '0' then return false end
  local by, last = string.match(get(stage, 'told') or '', '(%d+) (%d+)')
  if by == attempt and tonumber(number) <= tonumber(last) then return true end
  set(stage, 'told', attempt .. ' ' .. number)
  return false
end
`;
