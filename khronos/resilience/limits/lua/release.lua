-- KEYS: the token's seats. ARGV: now, grace, token. Answers the tokens that may come.

local wake = {}
local taken = redis.call('HGETALL', KEYS[1])
redis.call('DEL', KEYS[1])
for at = 1, #taken, 2 do
    local it = budget(taken[at], 'seats')
    if redis.call('ZREM', it.held, ARGV[3]) == 1 and it.limit then
        local hold = now - tonumber(taken[at + 1])
        local mean = tonumber(redis.call('HGET', it.key, 'hold') or hold)
        redis.call('HSET', it.key, 'hold', math.floor(mean + (hold - mean) / 5))
        end_leases(it)
        for _, token in ipairs(call_next(it)) do wake[#wake + 1] = token end
    end
end
return wake
