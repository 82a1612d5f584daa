-- May this much be spent, beside what is spent and what others hold? Who asks again with its token holds the new sum.
-- KEYS: sums, moments at which tokens lapse, what each holds. ARGV: token, amount, limit, lapses after, fresh for (ms)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function drop(token)
  local held = redis.call('HGET', KEYS[3], token)
  if not held then return end
  redis.call('HINCRBY', KEYS[1], 'held', -held)
  redis.call('HDEL', KEYS[3], token)
  redis.call('ZREM', KEYS[2], token)
end
for _, token in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now)) do drop(token) end
drop(ARGV[1])

local spent, loaded_at, held, version = unpack(redis.call('HMGET', KEYS[1], 'spent', 'loaded_at', 'held', 'version'))
spent, loaded_at, held, version = tonumber(spent), tonumber(loaded_at), tonumber(held or 0), tonumber(version or 0)
if not spent or now - loaded_at > tonumber(ARGV[5]) then return {'unknown', version} end
local amount, limit = tonumber(ARGV[2]), tonumber(ARGV[3])
if spent >= limit then return {'spent', version} end
-- Whoever is alone may spend what is left, and a little more: else the last of it would be of no use.
if held > 0 and spent + held + amount > limit then return {'held', version} end
redis.call('HSET', KEYS[3], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[2], now + ARGV[4], ARGV[1])
redis.call('HINCRBY', KEYS[1], 'held', ARGV[2])
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, 86400000) end
return {'granted', version}
