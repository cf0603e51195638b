-- Raises our count of one limit to what the venue says it has counted; never lowers it, since requests of ours may
-- still be on their way.
--
-- KEYS: the limit's counter     ARGV: used by the venue's count, window in ms, buckets in a window (1: fixed window)

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local window, buckets = tonumber(ARGV[2]), tonumber(ARGV[3])
local current = math.floor(now / (window / buckets))
local oldest = buckets == 1 and current or current - buckets

local used = 0
local entries = redis.call('HGETALL', KEYS[1])
for position = 1, #entries, 2 do
  if tonumber(entries[position]) >= oldest then
    used = used + tonumber(entries[position + 1])
  end
end
local missing = tonumber(ARGV[1]) - used
if missing > 0 then
  redis.call('HINCRBY', KEYS[1], current, missing)
  redis.call('PEXPIRE', KEYS[1], math.ceil(window * 2))
end
return missing
