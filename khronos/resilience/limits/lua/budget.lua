-- Budgets in Valkey; goes before each of the scripts.
-- Times are microseconds since the epoch, by the server's clock unless a test gives its own.
-- limit:{name}         hash   what the policy says, what was learned, paused until, refused
-- limit:{name}:used    list   when it was granted, as many as the limit
-- limit:{name}:places  zset   token -> when it may come
-- limit:{name}:held    zset   token -> when its seat ends; a seat set aside ends soon
-- limit:{name}:line    zset   token -> when it came to wait for a seat

local OWN_KEPT_MS, SHARED_KEPT_MS = 3600000, 86400000 -- after its last refusal
local SPARE_MS = 1000

local now = tonumber(ARGV[1])
if not now then
    local time = redis.call('TIME')
    now = time[1] * 1000000 + time[2]
end
local grace = tonumber(ARGV[2])

local function keep(key, ms)
    ms = math.ceil(ms)
    if redis.call('PTTL', key) < ms then redis.call('PEXPIRE', key, ms) end
end

local function keep_until(key, at)
    keep(key, (at - now) / 1000 + SPARE_MS)
end

local function budget(key, kind, limit, period, is_shared)
    local known = redis.call('HMGET', key, 'limit', 'period', 'paused', 'learned', 'learned_until')
    local it = {key = key, used = key .. ':used', places = key .. ':places', held = key .. ':held',
                line = key .. ':line',
                limit = limit or tonumber(known[1]), period = period or tonumber(known[2]),
                paused = tonumber(known[3] or 0), is_shared = is_shared,
                kept_ms = (is_shared or kind == 'seats') and SHARED_KEPT_MS or OWN_KEPT_MS}
    if limit and (tonumber(known[1]) ~= limit or tonumber(known[2]) ~= period) then
        redis.call('HSET', key, 'limit', limit, 'period', period)
        keep(key, it.kept_ms)
    end
    if known[4] and tonumber(known[5]) > now and kind ~= 'spacing' then it.limit = tonumber(known[4]) end
    return it
end

local function count_refusal(it)
    redis.call('HINCRBY', it.key, 'refused', 1)
    keep(it.key, it.kept_ms)
end

-- When it is free for one more after so many others. A clock that was put back must not close it for long.
local function free_after(it, others)
    local rounds, rest = math.floor(others / it.limit), others % it.limit
    local free = math.max(now, it.paused) + rounds * it.period
    local earlier = redis.call('LINDEX', it.used, rest - it.limit)
    if earlier then free = math.max(free, math.min(tonumber(earlier), now) + (rounds + 1) * it.period) end
    return free
end

local function use(it)
    if redis.call('RPUSH', it.used, now) > it.limit then redis.call('LTRIM', it.used, -it.limit, -1) end
    redis.call('PEXPIRE', it.used, math.ceil(it.period / 1000) + SPARE_MS)
end

local function used(it)
    local count = 0
    for _, at in ipairs(redis.call('LRANGE', it.used, 0, -1)) do
        if it.period and tonumber(at) > now - it.period then count = count + 1 end
    end
    return count
end

local function count_places(it)
    local count = redis.call('ZCARD', it.places)
    if count == 0 then return 0 end
    return count - redis.call('ZREMRANGEBYSCORE', it.places, '-inf', now - grace - 1) -- those that are lost
end

local function end_leases(it)
    redis.call('ZREMRANGEBYSCORE', it.held, '-inf', now)
end

-- Sets free seats aside for the oldest of the line, and answers their tokens.
local function call_next(it)
    local called = {}
    local free = it.limit - redis.call('ZCARD', it.held)
    if free <= 0 or it.paused > now then return called end
    local first = redis.call('ZPOPMIN', it.line, free)
    for at = 1, #first, 2 do
        called[#called + 1] = first[at]
        redis.call('ZADD', it.held, now + grace, first[at])
    end
    if #called > 0 then keep_until(it.held, now + grace) end
    return called
end
