-- KEYS: a budget. ARGV: now, grace, for how long.

local it = budget(KEYS[1])
local ends = now + tonumber(ARGV[3])
if ends <= it.paused then return end
redis.call('HSET', it.key, 'paused', ends)
keep_until(it.key, ends)
if count_places(it) == 0 then return end
local places = redis.call('ZRANGE', it.places, 0, -1, 'WITHSCORES')
local shift = ends - tonumber(places[2])
if shift <= 0 then return end
for at = 1, #places, 2 do redis.call('ZINCRBY', it.places, shift, places[at]) end
keep_until(it.places, tonumber(places[#places]) + shift + grace)
