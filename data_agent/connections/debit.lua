-- Debits every limit of one request, or none of them, in one step for all processes.
--
-- KEYS: known, then a ban key per scope, then a counter (hash: bucket -> amount) per limit
-- ARGV: number of scopes, then per limit: cost, allowance, window in ms, buckets in a window (1: fixed window)
-- Returns {'debited'} | {'unknown'} | {'banned', scope index, ms left} | {'wait', limit index, ms}
--
-- The clock is the server's, so that all processes agree.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local scopes = tonumber(ARGV[1])

-- After a restart or a FLUSHALL nobody knows which bans hold: the caller must load them first.
if redis.call('EXISTS', KEYS[1]) == 0 then
  return {'unknown'}
end
for index = 1, scopes do
  local left = redis.call('PTTL', KEYS[1 + index])
  if left > 0 then
    return {'banned', index, left}
  end
end

local longest, blocking = 0, 0
local debits = {}
for index = 1, (#ARGV - 1) / 4 do
  local key = KEYS[1 + scopes + index]
  local base = 1 + (index - 1) * 4
  local cost, allowance = tonumber(ARGV[base + 1]), tonumber(ARGV[base + 2])
  local window, buckets = tonumber(ARGV[base + 3]), tonumber(ARGV[base + 4])
  local width = window / buckets
  local current = math.floor(now / width)
  -- The bucket that the window's edge cuts counts whole: never over the limit, at most one bucket too careful.
  local oldest = buckets == 1 and current or current - buckets
  local used, live = 0, {}
  local entries = redis.call('HGETALL', key)
  for position = 1, #entries, 2 do
    local bucket, amount = tonumber(entries[position]), tonumber(entries[position + 1])
    if bucket < oldest then
      redis.call('HDEL', key, entries[position])
    else
      used = used + amount
      live[#live + 1] = {bucket, amount}
    end
  end
  local excess = used + cost - allowance
  if excess > 0 then
    table.sort(live, function(a, b) return a[1] < b[1] end)
    local wait = window
    for _, entry in ipairs(live) do
      excess = excess - entry[2]
      if excess <= 0 then
        wait = (entry[1] + (buckets == 1 and 1 or buckets + 1)) * width - now
        break
      end
    end
    if wait > longest then
      longest, blocking = wait, index
    end
  end
  debits[index] = {key, current, cost, window}
end

if blocking > 0 then
  return {'wait', blocking, math.ceil(longest)}
end
for _, debit in ipairs(debits) do
  redis.call('HINCRBY', debit[1], debit[2], debit[3])
  redis.call('PEXPIRE', debit[1], math.ceil(debit[4] * 2))
end
return {'debited'}
