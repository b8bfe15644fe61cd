import { script } from '../redis/script.ts';

/** How many deliveries may wait for a webhook; one more disables it. */
const maxWaiting = 5000;
/** How many deliveries that have ended a webhook keeps. */
const keptDeliveries = 200;

/**
 * What the scripts of webhooks share.
 *
 * A webhook is a hash: id owner url description events jobs secret previousSecret previousUntil createdAt since (the event
 * after which its own begin) enabled (1 or absent) disabledAt disabledReason failingSince lastDeliveredAt, and `claim`, which
 * the process that sends for it holds. Its deliveries are a hash `<webhook>:deliveries` with the fields `<id>` (type, job and
 * time as JSON), `<id>:payload`, `<id>:since` (ms, from which it is tried), `<id>:attempts` (JSON) and, once it has ended,
 * `<id>:state`; each id is in one of the sorted sets `<webhook>:waiting`, by the time of its next attempt, and
 * `<webhook>:ended`, by the time of its end.
 *
 * One delivery of a webhook is under way at a time, so that its receiver gets events in their order as long as it takes them.
 * The list `due` of webhooks holds the end of the claim meanwhile: a process that dies leaves the delivery to another one.
 *
 * KEYS of every script: due, the prefix of the keys of webhooks, the keys of its own, and the keys of each webhook that it reads,
 * by which a Cluster that moves keys knows whether all of them are here.
 */
const prelude = `
local due = KEYS[1]
local base = KEYS[2]

local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Lists the webhook by the time of its next attempt, unless a process sends for it: that does so later.
local function list(webhook)
  local key = base .. webhook
  local ends = redis.call('HGET', key, 'claim') and redis.call('ZSCORE', due, webhook)
  if ends and tonumber(ends) > now() then return end
  local _, at = unpack(redis.call('ZRANGE', key .. ':waiting', 0, 0, 'WITHSCORES'))
  if at then redis.call('ZADD', due, at, webhook) else redis.call('ZREM', due, webhook) end
end

-- Ends a delivery, and forgets those that ended first.
local function finish(key, id, state)
  redis.call('ZREM', key .. ':waiting', id)
  redis.call('ZADD', key .. ':ended', now(), id)
  redis.call('HSET', key .. ':deliveries', id .. ':state', state)
  for _, old in ipairs(redis.call('ZRANGE', key .. ':ended', 0, -${keptDeliveries + 1})) do
    redis.call('ZREM', key .. ':ended', old)
    redis.call('HDEL', key .. ':deliveries', old, old .. ':payload', old .. ':since', old .. ':attempts', old .. ':state')
  end
end

-- Gives up what waits.
local function disable(webhook, reason)
  local key = base .. webhook
  redis.call('HDEL', key, 'enabled', 'claim')
  redis.call('HSET', key, 'disabledAt', now(), 'disabledReason', reason)
  for _, id in ipairs(redis.call('ZRANGE', key .. ':waiting', 0, -1)) do finish(key, id, 'failed') end
  redis.call('ZREM', due, webhook)
end
`;

/**
 * KEYS: those of every script, with all webhooks, those of the owner, cursor and log of all events. ARGV: id, the most webhooks of the owner or '',
 * then pairs of the hash. An error QUOTA with the current count.
 */
export const createWebhookScript = script(`${prelude}
local count = redis.call('SCARD', KEYS[4])
if ARGV[2] ~= '' and count >= tonumber(ARGV[2]) then return redis.error_reply('QUOTA ' .. count) end
local newest = redis.call('XREVRANGE', KEYS[6], '+', '-', 'COUNT', 1)[1]
local since = newest and newest[1] or '0-0'
redis.call('SET', KEYS[5], since, 'NX')
redis.call('HSET', base .. ARGV[1], 'since', since, unpack(ARGV, 3))
redis.call('SADD', KEYS[3], ARGV[1])
redis.call('SADD', KEYS[4], ARGV[1])
return 1
`);

/**
 * KEYS: those of every script, with all webhooks, those of the owner and cursor. ARGV: id. Returns 0 when there is no such
 * webhook.
 */
export const removeWebhookScript = script(`${prelude}
local key = base .. ARGV[1]
redis.call('SREM', KEYS[4], ARGV[1])
redis.call('ZREM', due, ARGV[1])
redis.call('UNLINK', key, key .. ':deliveries', key .. ':waiting', key .. ':ended')
local found = redis.call('SREM', KEYS[3], ARGV[1])
if redis.call('SCARD', KEYS[3]) == 0 then redis.call('DEL', KEYS[5]) end
return found
`);

/** ARGV: id, 'enable', the reason to disable it, or '', then pairs to change. Returns 0 when there is no such webhook. */
export const changeWebhookScript = script(`${prelude}
local key = base .. ARGV[1]
if redis.call('EXISTS', key) == 0 then return 0 end
if #ARGV > 2 then redis.call('HSET', key, unpack(ARGV, 3)) end
local enabled = redis.call('HGET', key, 'enabled')
if ARGV[2] == 'enable' and not enabled then
  redis.call('HDEL', key, 'disabledAt', 'disabledReason', 'failingSince')
  redis.call('HSET', key, 'enabled', 1)
elseif ARGV[2] ~= '' and ARGV[2] ~= 'enable' and enabled then
  disable(ARGV[1], ARGV[2])
end
return 1
`);

/**
 * Passes events to webhooks and moves the cursor behind them, both or neither: of several processes that read the log, one
 * passes each event.
 *
 * KEYS: those of every script, with the cursor. ARGV: the cursor from which the events were read or '' to leave the cursor as it
 * is, the new cursor, then for each delivery the webhook, its id, what the list shows of it as JSON, and its payload. Returns the cursor, which is
 * the new one when the events were passed; '' when there is no webhook any more.
 */
export const passEventsScript = script(`${prelude}
local cursor = redis.call('GET', KEYS[3])
if ARGV[1] ~= '' then
  if cursor ~= ARGV[1] then return cursor or '' end
  redis.call('SET', KEYS[3], ARGV[2])
  cursor = ARGV[2]
end
local time = now()
for i = 3, #ARGV, 4 do
  local webhook, id = ARGV[i], ARGV[i + 1]
  local key = base .. webhook
  if redis.call('HGET', key, 'enabled') and redis.call('HEXISTS', key .. ':deliveries', id) == 0 then
    redis.call('HSET', key .. ':deliveries', id, ARGV[i + 2], id .. ':payload', ARGV[i + 3],
      id .. ':since', string.format('%.0f', time))
    -- The fraction keeps the events of this call in their order.
    redis.call('ZADD', key .. ':waiting', string.format('%.4f', time + (i - 3) / 4000), id)
    if redis.call('ZCARD', key .. ':waiting') > ${maxWaiting} then
      disable(webhook, '${maxWaiting} deliveries waited')
    else
      list(webhook)
    end
  end
end
return cursor or ''
`);

/**
 * A process takes the delivery of a webhook that has waited longest. The webhook must be the first of the list.
 *
 * ARGV: milliseconds until the claim ends, the claim, the webhook. Returns {webhook, delivery, type, job and time as JSON,
 * payload, since, attempts as JSON or '', then url, secret, previousSecret, previousUntil and failingSince of the webhook};
 * {milliseconds} until the next one is due, 0 when another webhook is the first now; or {}.
 */
export const claimDeliveryScript = script(`${prelude}
local webhook, at = unpack(redis.call('ZRANGE', due, 0, 0, 'WITHSCORES'))
if not webhook then return {} end
if webhook ~= ARGV[3] then return {'0'} end
local time = now()
if tonumber(at) > time + 1 then return {string.format('%.0f', math.ceil(at - time))} end
local key = base .. webhook
redis.call('HDEL', key, 'claim')
local id, first = unpack(redis.call('ZRANGE', key .. ':waiting', 0, 0, 'WITHSCORES'))
if not id or tonumber(first) > time + 1 then
  list(webhook)
  return {'0'}
end
redis.call('HSET', key, 'claim', ARGV[2])
redis.call('ZADD', due, time + ARGV[1], webhook)
local reply = {webhook, id}
for _, value in ipairs(redis.call('HMGET', key .. ':deliveries', id, id .. ':payload', id .. ':since', id .. ':attempts')) do
  table.insert(reply, value or '')
end
for _, value in ipairs(redis.call('HMGET', key, 'url', 'secret', 'previousSecret', 'previousUntil', 'failingSince')) do
  table.insert(reply, value or '')
end
return reply
`);

/**
 * The process tells what came of its attempt. It is refused after its claim has passed to another one.
 *
 * ARGV: webhook, claim, delivery, its attempts as JSON, 'delivered', 'failed' or the time in ms of the next
 * attempt, whether the attempt succeeded, failed or was broken off ('yes', 'no', ''), the reason to disable the webhook or ''.
 * Returns 0 when it is refused.
 */
export const settleDeliveryScript = script(`${prelude}
local webhook, id, outcome = ARGV[1], ARGV[3], ARGV[5]
local key = base .. webhook
if redis.call('HGET', key, 'claim') ~= ARGV[2] then return 0 end
redis.call('HDEL', key, 'claim')
redis.call('HSET', key .. ':deliveries', id .. ':attempts', ARGV[4])
if ARGV[6] == 'yes' then
  redis.call('HDEL', key, 'failingSince')
  redis.call('HSET', key, 'lastDeliveredAt', now())
elseif ARGV[6] == 'no' then
  redis.call('HSETNX', key, 'failingSince', now())
end
if outcome == 'delivered' or outcome == 'failed' then
  finish(key, id, outcome)
else
  redis.call('ZADD', key .. ':waiting', outcome, id)
end
if ARGV[7] ~= '' then disable(webhook, ARGV[7]) else list(webhook) end
return 1
`);

/** A delivery is tried again from now on, as a new one. ARGV: webhook, delivery. Returns 1; an error UNKNOWN, or DISABLED. */
export const redeliverScript = script(`${prelude}
local key = base .. ARGV[1]
if redis.call('HEXISTS', key .. ':deliveries', ARGV[2]) == 0 then return redis.error_reply('UNKNOWN no such delivery') end
if not redis.call('HGET', key, 'enabled') then return redis.error_reply('DISABLED the webhook is disabled') end
local time = string.format('%.0f', now())
redis.call('ZREM', key .. ':ended', ARGV[2])
redis.call('HDEL', key .. ':deliveries', ARGV[2] .. ':state')
redis.call('HSET', key .. ':deliveries', ARGV[2] .. ':since', time)
redis.call('ZADD', key .. ':waiting', time, ARGV[2])
list(ARGV[1])
return 1
`);

/**
 * Lists a delivery that was made already. ARGV: webhook, delivery, what the list shows of it as JSON, payload,
 * attempts as JSON, state. Returns 0 when the webhook was removed.
 */
export const noteDeliveryScript = script(`${prelude}
local key, id = base .. ARGV[1], ARGV[2]
if redis.call('EXISTS', key) == 0 then return 0 end
redis.call('HSET', key .. ':deliveries', id, ARGV[3], id .. ':payload', ARGV[4], id .. ':attempts', ARGV[5],
  id .. ':since', string.format('%.0f', now()))
finish(key, id, ARGV[6])
return 1
`);
