-- What the ledger says, unless somebody settled since it was asked. KEYS: sums. ARGV: spent, version ('' for any)
local version = redis.call('HGET', KEYS[1], 'version') or '0'
if ARGV[2] ~= '' and ARGV[2] ~= version then return 0 end
local time = redis.call('TIME')
redis.call('HSET', KEYS[1], 'spent', ARGV[1], 'loaded_at', time[1] * 1000 + math.floor(time[2] / 1000))
redis.call('PEXPIRE', KEYS[1], 86400000)
return 1
