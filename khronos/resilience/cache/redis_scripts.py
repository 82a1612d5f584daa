"""What runs inside Redis. A generation is its clock in µs: 16 digits, which Lua's numbers hold exactly.

`newest` is the last invalidation, `floor` the youngest one that is no longer listed. A process that knows a
newer one than Redis does proves that Redis has lost its memory: all that was made before is then stale.
Values and locks begin with the generation in which their computation began.
"""

GENERATIONS = """
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end
local newest, floor = unpack(redis.call('HMGET', KEYS[1], 'newest', 'floor'))
newest, floor = tonumber(newest or 0), tonumber(floor or 0)
"""

FREE = """
local held = redis.call('GET', lock)
if held and string.sub(held, 18) == token then redis.call('DEL', lock) end
"""

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
local function read(key)
  local text = redis.call('GET', key)
  if text then return tonumber(string.sub(text, 1, 16)) or 0, string.sub(text, 18) end
  return 0, ''
end
local oldest = tonumber(ARGV[2])
local made, payload = read(KEYS[3])
if made >= oldest then
  return {newest, floor, news, made, redis.call('PTTL', KEYS[3]), payload, 0}
end
local began, token = read(KEYS[4])
if began >= oldest and token ~= ARGV[3] then
  return {newest, floor, news, began, 0, false, 0}
end
redis.call('SET', KEYS[4], string.format('%.0f:', newest) .. ARGV[3], 'PX', ARGV[4])
return {newest, floor, news, newest, 0, false, 1}
"""
)

# A generation that Redis does not know is from before a flush, or from a clock that was ahead.
# KEYS: generations, value, lock. ARGV: generation, stamped payload, life in ms, token.
PUT = (
    GENERATIONS
    + """
local lock, token, made = KEYS[3], ARGV[4], tonumber(ARGV[1])
local there = tonumber(redis.call('GETRANGE', KEYS[2], 0, 15)) or 0
if made <= newest and there <= made then
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
