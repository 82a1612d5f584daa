-- KEYS: a budget. ARGV: now, grace, limit, for how long.

local ends = now + tonumber(ARGV[4])
redis.call('HSET', KEYS[1], 'learned', ARGV[3], 'learned_until', ends)
keep_until(KEYS[1], ends)
