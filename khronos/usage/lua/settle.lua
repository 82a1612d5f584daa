-- It is spent and in the ledger. KEYS as in hold.lua. ARGV: token, what it came to
redis.call('HINCRBY', KEYS[1], 'version', 1)
redis.call('HINCRBY', KEYS[1], 'held', -(redis.call('HGET', KEYS[3], ARGV[1]) or 0))
redis.call('HDEL', KEYS[3], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
if redis.call('HEXISTS', KEYS[1], 'spent') == 1 then redis.call('HINCRBY', KEYS[1], 'spent', ARGV[2]) end
redis.call('PEXPIRE', KEYS[1], 86400000)
return 1
