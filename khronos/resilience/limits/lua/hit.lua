-- KEYS: a budget. ARGV: now, grace, limit, period. Answers: within, used, first refusal, wait.

local it = budget(KEYS[1], 'window', tonumber(ARGV[3]), tonumber(ARGV[4]), false)
local free = free_after(it, 0)
if free <= now then
    use(it)
    return {1, used(it), 0, 0}
end
local noticed = redis.call('HGET', it.key, 'noticed')
local is_first = not noticed or tonumber(noticed) + it.period <= now
if is_first then redis.call('HSET', it.key, 'noticed', now) end
count_refusal(it)
return {0, used(it), is_first and 1 or 0, free - now}
