import { maxSkippedData, maxWarnings } from '@distillery/spec';
import { script } from '../redis/script.ts';
import { commonKeys, prelude } from './prelude.ts';

/** What a worker reports of a stage while it runs. Every script begins with the fence. */

const fenced = `${prelude}
local stage, attempt = ARGV[1], ARGV[2]
local refused = refusal(stage, attempt)
if refused then return refused end
`;

/** A write that counts, so that it must not be done twice when it is sent twice. */
const numbered = `${fenced}
if isRepeat(stage, attempt, ARGV[3]) then return 0 end
`;

/** ARGV: stage, attempt, progress as JSON, its fraction, its phase, its step. */
export const progressScript = script(`${fenced}
local fraction, time = ARGV[4], now()
set(stage, 'progress', ARGV[3])
set(stage, 'fraction', fraction)
set(stage, 'progressAt', time)
local furthest = tonumber(get(stage, 'furthest') or 0)
if tonumber(fraction) > furthest then
  set(stage, 'furthest', fraction)
  unset(stage, 'failures')
  redis.call('HINCRBYFLOAT', job, 'done', (fraction - furthest) * (get(stage, 'share') or 0))
end
-- The rate is measured from the first progress behind the loading, so that a stage that resumed at 80 % does not look fast.
countSteps(stage, attempt, tonumber(ARGV[6]), ARGV[5])
if ARGV[5] ~= 'loading' and not get(stage, 'from') then set(stage, 'from', fraction .. '@' .. time) end
replaceEvent(stage, 'progressEvent', 'type', 'progress', 'stage', stage, 'attempt', attempt, 'progress', ARGV[3],
  'furthest', get(stage, 'furthest') or 0)
changed()
return 1
`);

/**
 * `s:<stage>:rowsFrom` holds `<attempt>@<place of its first row>` of each attempt that has written rows.
 *
 * KEYS: those of every script, rows of the stage. ARGV: stage, attempt, number, the most rows of a stage, the place of the
 * first row in the training, then epoch, step, time and values as JSON of each row.
 */
export const metricsScript = script(`${numbered}
local from = get(stage, 'rowsFrom') or ''
if string.match(from, '(%d+)@%S+$') ~= attempt then set(stage, 'rowsFrom', from .. ' ' .. attempt .. '@' .. ARGV[5]) end
local last
for i = 6, #ARGV, 4 do
  last = redis.call('XADD', metrics, 'MAXLEN', '~', 1000000, '*', 'stage', stage)
  redis.call('XADD', KEYS[${commonKeys + 1}], 'MAXLEN', '~', ARGV[4], last, 'attempt', attempt, 'epoch', ARGV[i],
    'step', ARGV[i + 1], 'time', ARGV[i + 2], 'values', ARGV[i + 3])
end
local rows = redis.call('HINCRBY', job, 's:' .. stage .. ':rows', (#ARGV - 5) / 4)
replaceEvent(stage, 'metricsEvent', 'type', 'metrics', 'stage', stage, 'attempt', attempt, 'rows', rows, 'last', last)
return 1
`);

/**
 * The record keeps the first different warnings, each as
 * `w:<digest of stage and message>` = `<order> <count> <milliseconds> <attempt> <event> <stage> <message>`;
 * the field `warnings` holds how many there are.
 *
 * ARGV: stage, attempt, number, message.
 */
export const warningScript = script(`${numbered}
local message = ARGV[4]
local function append(count)
  return appendEvent('type', 'warning', 'stage', stage, 'attempt', attempt, 'message', message, 'count', count)
end
local field = 'w:' .. redis.sha1hex(stage .. ' ' .. message)
local known = redis.call('HGET', job, field)
local order, count, event
if known then
  order, count, event = string.match(known, '^(%d+) (%d+) %d+ %d+ (%S+) ')
  removeEvent(event)
else
  order, count = tonumber(redis.call('HGET', job, 'warnings') or 0) + 1, 0
  if order > ${maxWarnings} then
    append(1)
    return 1
  end
  redis.call('HSET', job, 'warnings', order)
end
count = count + 1
event = append(count)
redis.call('HSET', job, field, table.concat({order, count, now(), attempt, event, stage, message}, ' '))
changed()
return 1
`);

/**
 * The record keeps each data set once, whichever stage loads it first, with the largest count that a stage has found, as
 * `d:<digest>` = `<order> <stage> <JSON of digest, count and samples>`; the field `skippedData` holds how many there are.
 *
 * ARGV: stage, attempt, digest of the data set, how many samples, the first samples as JSON, all of it as JSON.
 */
export const skippedScript = script(`${fenced}
local digest = ARGV[3]
local known = redis.call('HGET', job, 'd:' .. digest)
local order
if known then
  local first, by, json = string.match(known, '^(%d+) (%S+) (.*)$')
  if cjson.decode(json).count >= tonumber(ARGV[4]) then return 0 end
  order, stage = first, by
else
  order = tonumber(redis.call('HGET', job, 'skippedData') or 0) + 1
  if order > ${maxSkippedData} then return 0 end
  redis.call('HSET', job, 'skippedData', order)
end
redis.call('HSET', job, 'd:' .. digest, order .. ' ' .. stage .. ' ' .. ARGV[6])
appendEvent('type', 'skipped', 'stage', stage, 'attempt', attempt, 'digest', digest, 'count', ARGV[4],
  'samples', ARGV[5])
changed()
return 1
`);

/** ARGV: stage, attempt, step, bytes. */
export const checkpointScript = script(`${fenced}
replaceEvent(stage, 'checkpointEvent', 'type', 'checkpoint', 'stage', stage, 'attempt', attempt,
  'step', ARGV[3], 'bytes', ARGV[4])
return 1
`);

/** ARGV: stage, attempt, number, then source, level and message of each line. */
export const logScript = script(`${numbered}
for i = 4, #ARGV, 3 do
  appendEvent('type', 'log', 'stage', stage, 'attempt', attempt, 'source', ARGV[i], 'level', ARGV[i + 1],
    'message', ARGV[i + 2])
end
return 1
`);
