/** The upper bounds of the histogram of durations, in seconds: from a report to a day of training. */
export const durationBounds = [1, 5, 15, 60, 300, 900, 3600, 14_400, 86_400] as const;

/**
 * The part of the prelude that counts what happens to stages. The counters are in Redis, beside the records, because the
 * scripts that change a stage run once for each change, whichever process calls them: several API processes, restarts and
 * repeated writes leave the numbers right.
 *
 * Fields of the hash, whose words contain no space: `attempts <kind> <first|resumed>`; `ended <kind> <outcome> <upper bound in
 * seconds or inf>`, for the first bound that the duration does not exceed; `seconds <kind> <outcome>`; `failures <code>`;
 * `results <kind> <reused|computed>`; `steps <kind>`; `jobs <state>`.
 */
export const countersPrelude = `
local function count(field, by) redis.call('HINCRBYFLOAT', counters, field, by or 1) end

-- Counts the end of an attempt that runs: succeeded, failed, retried, stopped, lost or cancelled.
local function countEnd(stage, outcome)
  local of = redis.call('HMGET', job, 's:' .. stage .. ':kind', 's:' .. stage .. ':startedAt')
  local time = tonumber(now())
  local seconds = math.max(0, (time - tonumber(of[2] or time)) / 1000)
  local bucket = 'inf'
  for _, bound in ipairs({${durationBounds.join(', ')}}) do
    if seconds <= bound then
      bucket = bound
      break
    end
  end
  count('ended ' .. of[1] .. ' ' .. outcome .. ' ' .. bucket)
  count('seconds ' .. of[1] .. ' ' .. outcome, seconds)
  -- The quota of a project counts them by the day on which they end.
  local project = string.match(redis.call('HGET', job, 'owner') or '', '^([^/]+)/')
  if project then
    redis.call('HINCRBYFLOAT', usage, project .. ' ' .. math.floor(time / 86400000), seconds)
  end
end

-- Counts the optimizer steps since the last report of the attempt. Those before the checkpoint that a later attempt resumes from
-- were counted before.
local function countSteps(stage, attempt, step, phase)
  local by, last = string.match(get(stage, 'counted') or '', '^(%d+) (%d+)$')
  if by ~= attempt then
    if phase == 'loading' then return end
    last = attempt == '1' and 0 or step
  end
  local more = step - last
  if more > 0 then count('steps ' .. get(stage, 'kind'), more) end
  if more >= 0 then set(stage, 'counted', attempt .. ' ' .. step) end
end
`;
