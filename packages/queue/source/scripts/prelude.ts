import { jobStates } from '@distillery/spec';
import { countersPrelude } from './counters.ts';
import { workLists } from './work-lists.ts';

const states = jobStates.map((state, i) => `${state} = KEYS[${5 + i}]`).join(', ');

/** How many keys every script gets. The keys that a script needs beside them follow. */
export const commonKeys = 15 + jobStates.length;

const work = [
  'live',
  'ready',
  'delayed',
  'running',
  'served',
  'backlog',
  'pace',
  'ended',
  'allEvents',
  'counters',
  'usage',
];
const workKeys = work.map((_, i) => `KEYS[${5 + jobStates.length + i}]`).join(', ');

/** Approximate number of events that a job keeps, and that are kept of all jobs together; the oldest ones go first. */
const maxEvents = 20_000;

/**
 * What the scripts of a job share. The record of a job is one hash of flat strings: TypeScript alone writes and reads
 * the JSON in it, because cjson turns an empty list into an object and rounds numbers.
 *
 * Fields of the hash: id name labels owner priority state version createdAt startedAt finishedAt reason plan stages
 * firstEvent warnings skippedData counts done best webhooks request; `w:<digest>` for each warning and `d:<digest>` for each data set with skipped samples, see
 * scripts/reports.ts; and for each stage `s:<stage>:` state kind needs requires shares work share attempt worker ticket order startedAt finishedAt
 * progress fraction progressAt from lastWrite reason failures furthest rows rowsFrom counted progressEvent metricsEvent checkpointEvent.
 */
export const prelude = `
local job, results, metrics, events = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local byState = {${states}}
local ${work.join(', ')} = ${workKeys}
-- Whether this script has moved the job or one of its stages to another state.
local moved, recount = false, nil

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

-- Ends every script that has changed the record: raises the version of the job, which is its entity tag.
local function changed()
  if moved then recount() end
  redis.call('HINCRBY', job, 'version', 1)
end

-- Every event is written here, to the log of its job and to that of all jobs. Returns its id, which is the same in both.
local function appendEvent(...)
  local id = redis.call('XADD', allEvents, 'MAXLEN', '~', ${maxEvents}, '*', 'job', redis.call('HGET', job, 'id'), ...)
  redis.call('XADD', events, 'MAXLEN', '~', ${maxEvents}, id, ...)
  return id
end

-- Removes an event that another one replaces.
local function removeEvent(id)
  redis.call('XDEL', events, id)
  redis.call('XDEL', allEvents, id)
end

-- Appends an event in place of the one whose id this field of the stage holds.
local function replaceEvent(stage, field, ...)
  local before = get(stage, field)
  if before then removeEvent(before) end
  set(stage, field, appendEvent(...))
end

local function stages()
  return string.gmatch(redis.call('HGET', job, 'stages'), '%S+')
end

-- Whether every stage that this one needs has succeeded.
local function needsMet(stage)
  for need in string.gmatch(get(stage, 'needs'), '%S+') do
    if get(need, 'state') ~= 'succeeded' then return false end
  end
  return true
end

-- How many jobs of the owners of a project have not ended. '0' comes right after '/'.
local function countLiveOf(project)
  return redis.call('ZLEXCOUNT', live, '[' .. project .. '/', '(' .. project .. '0')
end

-- How many jobs of an owner have not ended. No name contains a space, and '!' comes right after it.
local function countLive(owner)
  return redis.call('ZLEXCOUNT', live, '[' .. owner .. ' ', '(' .. owner .. '!')
end

-- Lists the job among those that have ended, or among the unfinished ones of its owner.
local function updateLive(id, state)
  local over = state == 'succeeded' or state == 'failed' or state == 'cancelled'
  if over then redis.call('ZADD', ended, now(), id) else redis.call('ZREM', ended, id) end
  local owner = redis.call('HGET', job, 'owner')
  if not owner then return end
  if over then redis.call('ZREM', live, owner .. ' ' .. id) else redis.call('ZADD', live, 0, owner .. ' ' .. id) end
end

${workLists}${countersPrelude}
local function moveJob(state, reason)
  moved = true
  local id = redis.call('HGET', job, 'id')
  redis.call('ZREM', byState[redis.call('HGET', job, 'state')], id)
  redis.call('ZADD', byState[state], 0, id)
  redis.call('HSET', job, 'state', state)
  updateLive(id, state)
  listQueued()
  appendEvent('type', 'job', 'state', state, 'reason', reason or '')
end

local function moveStage(stage, state, reason)
  moved = true
  local ticket = get(stage, 'ticket')
  if ticket and state ~= 'running' then
    redis.call('HDEL', running, ticket)
    unset(stage, 'ticket')
  end
  set(stage, 'state', state)
  list(stage)
  appendEvent('type', 'stage', 'stage', stage, 'state', state, 'attempt', get(stage, 'attempt'),
    'worker', get(stage, 'worker') or '', 'reason', reason or '')
end

-- Counts a failure. Returns the failures since the stage last got further than ever before.
local function countFailure(stage)
  return redis.call('HINCRBY', job, 's:' .. stage .. ':failures', 1)
end

local function countRunning()
  local count = 0
  for stage in stages() do if get(stage, 'state') == 'running' then count = count + 1 end end
  return count
end

local function endJob(state, reason)
  count('jobs ' .. state)
  redis.call('HSET', job, 'finishedAt', now())
  moveJob(state, reason)
end

-- A job that is pausing or cancelling has reached its end once none of its stages runs.
local function finishStopping()
  local state = redis.call('HGET', job, 'state')
  if (state ~= 'cancelling' and state ~= 'pausing') or countRunning() > 0 then return end
  if state == 'cancelling' then endJob('cancelled') else moveJob('paused') end
end

-- A running stage stops early: it is queued again, or cancelled with its job.
local function release(stage, reason)
  unset(stage, 'progress', 'fraction', 'progressAt', 'from')
  if redis.call('HGET', job, 'state') == 'cancelling' then
    set(stage, 'finishedAt', now())
    moveStage(stage, 'cancelled', reason)
  else
    moveStage(stage, 'queued', reason)
  end
  finishStopping()
end

-- Stages that have succeeded run again, and a report that tells of them. Stages that need them wait until then.
local function rewind(lost, reason)
  local function again(stage)
    if get(stage, 'state') ~= 'succeeded' then return end
    redis.call('HDEL', results, stage)
    unset(stage, 'finishedAt', 'startedAt', 'worker', 'progress', 'fraction', 'progressAt', 'from', 'failures', 'furthest')
    moveStage(stage, 'queued', reason)
  end
  for stage in string.gmatch(lost, '%S+') do again(stage) end
  for stage in stages() do
    if get(stage, 'kind') == 'report' then again(stage) end
  end
  for stage in stages() do
    if get(stage, 'state') == 'queued' and not needsMet(stage) then moveStage(stage, 'waiting', reason) end
  end
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

-- Whether this numbered write of the attempt was done before: it is sent again when its reply was lost.
local function isRepeat(stage, attempt, number)
  if number == '0' then return false end
  local by, last = string.match(get(stage, 'lastWrite') or '', '(%d+) (%d+)')
  if by == attempt and tonumber(number) <= tonumber(last) then return true end
  set(stage, 'lastWrite', attempt .. ' ' .. number)
  return false
end
`;
