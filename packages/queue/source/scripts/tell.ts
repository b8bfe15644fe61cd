import { script } from '../redis/script.ts';
import { prelude } from './prelude.ts';

/** ARGV: stage, attempt, progress as JSON, its fraction, its phase. */
export const progressScript = script(`${prelude}
local stage, attempt, fraction = ARGV[1], ARGV[2], ARGV[4]
local refused = refusal(stage, attempt)
if refused then return refused end
local time = now()
set(stage, 'progress', ARGV[3])
set(stage, 'progressAt', time)
if tonumber(fraction) > tonumber(get(stage, 'furthest') or 0) then
  set(stage, 'furthest', fraction)
  unset(stage, 'failures')
end
-- The rate is measured from here, so that a stage that resumed at 80 % does not look fast.
if not get(stage, 'from') then set(stage, 'from', fraction .. '@' .. time) end
local coarse = ARGV[5] .. ' ' .. math.floor(tonumber(fraction) * 20)
if get(stage, 'coarse') ~= coarse then
  set(stage, 'coarse', coarse)
  tell('type', 'progress', 'stage', stage, 'attempt', attempt, 'progress', ARGV[3])
end
changed()
return 1
`);

/** ARGV: stage, attempt, number, then epoch, step, time and values as JSON of each row. */
export const metricsScript = script(`${prelude}
local stage, attempt = ARGV[1], ARGV[2]
local refused = refusal(stage, attempt)
if refused then return refused end
if landed(stage, attempt, ARGV[3]) then return 0 end
for i = 4, #ARGV, 4 do
  redis.call('XADD', metrics, 'MAXLEN', '~', 1000000, '*', 'stage', stage, 'attempt', attempt,
    'epoch', ARGV[i], 'step', ARGV[i + 1], 'time', ARGV[i + 2], 'values', ARGV[i + 3])
end
return 1
`);

/** ARGV: stage, attempt, number, message. */
export const warningScript = script(`${prelude}
local stage, attempt = ARGV[1], ARGV[2]
local refused = refusal(stage, attempt)
if refused then return refused end
if landed(stage, attempt, ARGV[3]) then return 0 end
tell('type', 'warning', 'stage', stage, 'attempt', attempt, 'message', ARGV[4])
return 1
`);
