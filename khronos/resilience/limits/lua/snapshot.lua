-- KEYS: budgets. ARGV: now, grace. Answers of each: used, limit, learned, waiting, paused for, refused.

local all = {}
for _, key in ipairs(KEYS) do
    local it = budget(key)
    local known = redis.call('HMGET', key, 'limit', 'learned', 'learned_until', 'refused')
    local is_learned = known[2] and tonumber(known[3]) > now
    all[#all + 1] = {
        used(it) + redis.call('ZCOUNT', it.held, now + 1, '+inf'),
        tonumber(known[1] or -1),
        is_learned and tonumber(known[2]) or -1,
        redis.call('ZCOUNT', it.places, now - grace, '+inf') + redis.call('ZCARD', it.line),
        math.max(0, it.paused - now),
        tonumber(known[4] or 0),
    }
end
return all
