/**
 * The part of the prelude that keeps the lists beside the records: which stages are ready, how much work each job has left,
 * and how fast stages of each kind run.
 */
export const workLists = `
-- The place of a stage in the order of work, which scripts/choose.ts reads, and the one that it has when its job has begun or
-- has not, respectively.
local function places(stage)
  local of = redis.call('HMGET', job, 'priority', 'owner', 'id', 's:' .. stage .. ':order',
    's:' .. stage .. ':requires', 'startedAt')
  local function at(begun)
    return string.format('%02d %s %d %s %s %s %s', 10 - tonumber(of[1] or 0), of[2] or '-', begun and 0 or 1, of[3],
      of[4] or '0', stage, of[5] or '-')
  end
  return at(of[6]), at(not of[6])
end

-- Lists the stage as ready when a worker may take it now, and takes it off the list otherwise.
local function list(stage)
  local place, former = places(stage)
  redis.call('ZREM', ready, place, former)
  redis.call('ZREM', delayed, place, former)
  local of = redis.call('HMGET', job, 'state', 's:' .. stage .. ':state')
  if of[2] == 'queued' and (of[1] == 'queued' or of[1] == 'running') then redis.call('ZADD', ready, 0, place) end
end

-- Lists the queued stages anew: whether they may be taken, and their places, follow the state of the job.
local function listQueued()
  for stage in stages() do if get(stage, 'state') == 'queued' then list(stage) end end
end

-- A ready stage becomes ready again only after so many milliseconds.
local function postpone(stage, milliseconds)
  local member = places(stage)
  if redis.call('ZREM', ready, member) == 1 then redis.call('ZADD', delayed, now() + milliseconds, member) end
end

-- Counts the stages of the job by state, the share of its work that is done, and what is left for the others to wait for:
-- '<10 - priority> <owner or -> <0 begun, 1 not>' and '<kind>:<stages>:<work>' for each kind.
function recount()
  local counts, left, done, number = {}, {}, 0, 0
  for _ in stages() do number = number + 1 end
  for stage in stages() do
    local key = 's:' .. stage .. ':'
    local of = redis.call('HMGET', job, key .. 'state', key .. 'kind', key .. 'work', key .. 'share', key .. 'furthest')
    local state, kind, share = of[1], of[2], tonumber(of[4]) or 1 / number
    counts[state] = (counts[state] or 0) + 1
    done = done + share * (state == 'succeeded' and 1 or tonumber(of[5] or 0))
    if state == 'waiting' or state == 'queued' or state == 'running' then
      local sum = left[kind] or {0, 0}
      left[kind] = {sum[1] + 1, sum[2] + tonumber(of[3] or 0)}
    end
  end
  local texts = {}
  for state, count in pairs(counts) do table.insert(texts, state .. '=' .. count) end
  redis.call('HSET', job, 'counts', table.concat(texts, ' '), 'done', done)
  local of = redis.call('HMGET', job, 'id', 'state', 'priority', 'owner', 'startedAt')
  if of[2] ~= 'queued' and of[2] ~= 'running' then return redis.call('HDEL', backlog, of[1]) end
  texts = {string.format('%02d', 10 - tonumber(of[3] or 0)), of[4] or '-', of[5] and '0' or '1'}
  for kind, sum in pairs(left) do table.insert(texts, string.format('%s:%d:%.6g', kind, sum[1], sum[2])) end
  redis.call('HSET', backlog, of[1], table.concat(texts, ' '))
end

-- The newest measurement counts for a third.
local function learnt(field, seconds)
  local before = tonumber(redis.call('HGET', pace, field) or seconds)
  redis.call('HSET', pace, field, before + (seconds - before) / 3)
end

-- Measures a stage that succeeds: the time before its first progress, after its last, and of its work in between.
local function learn(stage)
  local key = 's:' .. stage .. ':'
  local of = redis.call('HMGET', job, key .. 'kind', key .. 'startedAt', key .. 'from', key .. 'progressAt',
    key .. 'fraction', key .. 'work')
  local kind, ended = of[1], tonumber(now())
  local fraction, at = string.match(of[3] or '', '(%S+)@(%d+)')
  learnt(kind .. ':before', ((tonumber(at) or ended) - of[2]) / 1000)
  learnt(kind .. ':after', at and (ended - of[4]) / 1000 or 0)
  local work = at and (of[5] - fraction) * (of[6] or 0) or 0
  if work > 0 and tonumber(of[4]) > tonumber(at) then learnt(kind .. ':perWork', (of[4] - at) / 1000 / work) end
end
`;
