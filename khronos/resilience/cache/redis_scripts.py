"""What runs inside Redis. A generation is its clock in µs: 16 digits, which Lua's numbers hold exactly.

`newest` is the last invalidation, `floor` the youngest one that is no longer listed. A process that knows a
newer one than Redis does proves that Redis has lost its memory: all that was made before is then stale.
"""

GENERATIONS = """
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end
local newest, floor = unpack(redis.call('HMGET', KEYS[1], 'newest', 'floor'))
newest, floor = tonumber(newest or 0), tonumber(floor or 0)
"""

FREE = "if redis.call('GET', lock) == token then redis.call('DEL', lock) end\n"

# KEYS: generations, invalidations, value, lock. ARGV: newest known, oldest acceptable, token, lease in ms.
LOOK = (
    GENERATIONS
    + """
local known = tonumber(ARGV[1])
if newest == 0 or newest < known then
  newest = math.max(now(), known + 1)
  floor = newest
  redis.call('HSET', KEYS[1], 'newest', newest, 'floor', floor)
  redis.call('DEL', KEYS[2])
end
local news = {}
if newest > known then
  news = redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. ARGV[1], '+inf', 'WITHSCORES')
end
local value = redis.call('GET', KEYS[3])
local made = value and tonumber(string.sub(value, 1, 16))
if made and made >= floor and made >= tonumber(ARGV[2]) then
  return {newest, floor, news, redis.call('PTTL', KEYS[3]), string.sub(value, 18), 0}
end
local mine = redis.call('SET', KEYS[4], ARGV[3], 'NX', 'PX', ARGV[4]) or redis.call('GET', KEYS[4]) == ARGV[3]
return {newest, floor, news, 0, false, mine and 1 or 0}
"""
)

# KEYS: generations, value, lock. ARGV: generation, stamped payload, life in ms, token.
PUT = (
    GENERATIONS
    + """
local lock, token, made = KEYS[3], ARGV[4], tonumber(ARGV[1])
local there = tonumber(redis.call('GETRANGE', KEYS[2], 0, 15)) or 0
if floor <= made and made <= newest and there <= made then
  redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
end
"""
    + FREE
)

RELEASE = "local lock, token = KEYS[1], ARGV[1]\n" + FREE

# KEYS: generations, invalidations. ARGV: pattern, most to remember, channel, message.
INVALIDATE = (
    GENERATIONS
    + """
local is_lost = newest == 0
newest = math.max(now(), newest + 1)
if is_lost or ARGV[1] == '*' then
  floor = newest
  redis.call('DEL', KEYS[2])
else
  redis.call('ZADD', KEYS[2], newest, ARGV[1])
  local excess = redis.call('ZCARD', KEYS[2]) - ARGV[2]
  if excess > 0 then
    local oldest = redis.call('ZPOPMIN', KEYS[2], excess)
    floor = math.max(floor, tonumber(oldest[#oldest]))
  end
end
redis.call('HSET', KEYS[1], 'newest', newest, 'floor', floor)
redis.call('PUBLISH', ARGV[3], ARGV[4])
"""
)
