-- KEYS: the token's seats. ARGV: now, grace, token. Answers 1 when all of them are still held.

local taken, all = redis.call('HGETALL', KEYS[1]), 1
for at = 1, #taken, 2 do
    local it = budget(taken[at], 'seats')
    local ends = tonumber(redis.call('ZSCORE', it.held, ARGV[3]) or 0)
    if ends > now and it.period then
        redis.call('ZADD', it.held, now + it.period, ARGV[3])
        keep(it.key, SHARED_KEPT_MS)
        keep_until(it.held, now + it.period)
        keep_until(KEYS[1], now + it.period)
    else
        all = 0
    end
end
return #taken > 0 and all or 0
