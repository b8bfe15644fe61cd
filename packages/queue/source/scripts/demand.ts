import { script } from '../redis/script.ts';

/**
 * Counts the stages that may run now, wait for another try, or run, by what they require of a worker. One script reads all three
 * lists, so that a stage which moves between them is neither missed nor counted twice.
 *
 * An entry of a stage that an earlier version has begun does not tell what it requires, and counts as requiring nothing.
 *
 * KEYS: ready, delayed, running. Returns triples of state, what is required or '-', count.
 */
export const demandScript = script(`
local counts = {}
local function count(state, requires)
  local key = state .. ' ' .. requires
  counts[key] = (counts[key] or 0) + 1
end
for index, state in ipairs({'ready', 'delayed'}) do
  for _, member in ipairs(redis.call('ZRANGE', KEYS[index], 0, -1)) do count(state, string.match(member, '%S+$')) end
end
for _, text in ipairs(redis.call('HVALS', KEYS[3])) do
  count('running', string.match(text, '^%S+ %S+ (%S+) %S+ %S+$') or '-')
end
local reply = {}
for key, number in pairs(counts) do
  local state, requires = string.match(key, '^(%S+) (%S+)$')
  table.insert(reply, state)
  table.insert(reply, requires)
  table.insert(reply, number)
end
return reply
`);
