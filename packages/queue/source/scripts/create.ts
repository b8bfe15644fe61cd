import { script } from '../redis/script.ts';
import { commonKeys, prelude } from './prelude.ts';

/**
 * Creates a job, or finds the job that the idempotency key created before. The key of a deleted job is free again.
 *
 * KEYS: those of every script, spec, all jobs, idempotency, then one index for each label and for the owner.
 * ARGV: id, digest of the body or '' (no idempotency key), seconds to keep the key, posted, parsed, owner or '', the most
 * unfinished jobs that the owner may have, the project of the owner and its most unfinished jobs, each or '', then pairs of the
 * record. Returns {'created', id, time} or {'replayed', id}; an error CONFLICT, or QUOTA or PROJECT with the current count.
 */
export const createScript = script(`${prelude}
local spec, all, idempotency = KEYS[${commonKeys + 1}], KEYS[${commonKeys + 2}], KEYS[${commonKeys + 3}]
local id, digest = ARGV[1], ARGV[2]
if digest ~= '' then
  local known = redis.call('HMGET', idempotency, 'digest', 'job')
  local jobs = string.sub(job, 1, #job - #id)
  if known[2] and redis.call('EXISTS', jobs .. known[2]) == 0 then known = {} end
  if known[1] and known[1] ~= digest then return redis.error_reply('CONFLICT the key was used with another body') end
  if known[1] then return {'replayed', known[2]} end
end
if ARGV[6] ~= '' and countLive(ARGV[6]) >= tonumber(ARGV[7]) then
  return redis.error_reply('QUOTA ' .. countLive(ARGV[6]))
end
if ARGV[9] ~= '' and countLiveOf(ARGV[8]) >= tonumber(ARGV[9]) then
  return redis.error_reply('PROJECT ' .. countLiveOf(ARGV[8]))
end
if digest ~= '' then
  redis.call('HSET', idempotency, 'digest', digest, 'job', id)
  redis.call('EXPIRE', idempotency, ARGV[3])
end
redis.call('HSET', spec, 'posted', ARGV[4], 'parsed', ARGV[5])
-- Lua passes at most about 8000 values at once.
for i = 10, #ARGV, 4000 do redis.call('HSET', job, unpack(ARGV, i, math.min(i + 3999, #ARGV))) end
local time = now()
redis.call('HSET', job, 'createdAt', time, 'version', 1)
redis.call('ZADD', all, 0, id)
redis.call('ZADD', byState.queued, 0, id)
updateLive(id, 'queued')
listQueued()
recount()
for i = ${commonKeys + 4}, #KEYS do redis.call('ZADD', KEYS[i], 0, id) end
redis.call('HSET', job, 'firstEvent', appendEvent('type', 'job', 'state', 'queued', 'reason', ''))
return {'created', id, time}
`);
