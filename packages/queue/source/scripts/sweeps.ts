import { script } from '../redis/script.ts';

/**
 * The record of a sweep is a hash: id owner state version createdAt finishedAt, `head` (what never changes, JSON) and
 * `t:<number>` for each trial (JSON). TypeScript decides what changes, from one version of the record; the scripts write only if
 * that version is still the current one. So any number of processes may drive a sweep, and each change is decided once.
 */

/**
 * Creates a sweep, or finds the one that the idempotency key created before. The key of a deleted sweep is free again.
 *
 * KEYS: the sweep, all sweeps, unfinished ones, idempotency, and those of the owner if there is one. ARGV: id, digest of the body or '' (no
 * idempotency key), seconds to keep the key, owner or '-', the most unfinished sweeps of the owner or '', what the keys of sweeps begin
 * with, then pairs of the record. Returns {'created' or 'replayed', id}; an error CONFLICT, or QUOTA with the current count.
 */
export const createSweepScript = script(`
local sweep, all, live, idempotency = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, digest, owner = ARGV[1], ARGV[2], ARGV[4]
if digest ~= '' then
  local known = redis.call('HMGET', idempotency, 'digest', 'sweep')
  if known[2] and redis.call('EXISTS', ARGV[6] .. known[2]) == 0 then known = {} end
  if known[1] and known[1] ~= digest then return redis.error_reply('CONFLICT the key was used with another body') end
  if known[1] then return {'replayed', known[2]} end
end
local count = redis.call('ZLEXCOUNT', live, '[' .. owner .. ' ', '(' .. owner .. '!')
if ARGV[5] ~= '' and count >= tonumber(ARGV[5]) then return redis.error_reply('QUOTA ' .. count) end
if digest ~= '' then
  redis.call('HSET', idempotency, 'digest', digest, 'sweep', id)
  redis.call('EXPIRE', idempotency, ARGV[3])
end
redis.call('HSET', sweep, 'version', 1, unpack(ARGV, 7))
redis.call('ZADD', all, 0, id)
if KEYS[5] then redis.call('ZADD', KEYS[5], 0, id) end
redis.call('ZADD', live, 0, owner .. ' ' .. id)
return {'created', id}
`);

/**
 * Changes fields of a sweep if its version is the given one. KEYS: the sweep, unfinished ones. ARGV: version, id, owner or '-', whether
 * it is over ('1' or ''), then pairs. Returns the new version, 0 where another process was faster, or -1 where it was deleted.
 */
export const changeSweepScript = script(`
local version = redis.call('HGET', KEYS[1], 'version')
if not version then return -1 end
if version ~= ARGV[1] then return 0 end
if #ARGV > 4 then redis.call('HSET', KEYS[1], unpack(ARGV, 5)) end
if ARGV[4] == '1' then redis.call('ZREM', KEYS[2], ARGV[3] .. ' ' .. ARGV[2]) end
return redis.call('HINCRBY', KEYS[1], 'version', 1)
`);

/** Deletes a sweep. KEYS: the sweep, all sweeps, unfinished ones, those of the owner if there is one. ARGV: id, owner or '-'. */
export const removeSweepScript = script(`
redis.call('UNLINK', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[2] .. ' ' .. ARGV[1])
if KEYS[4] then redis.call('ZREM', KEYS[4], ARGV[1]) end
return 1
`);
