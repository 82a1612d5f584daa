-- KEYS: a budget. ARGV: now, grace, limit, period. Answers: within, used, wait.

local it = budget(KEYS[1], 'window', tonumber(ARGV[3]), tonumber(ARGV[4]), false)
local free = free_after(it, 0)
if free <= now then
    use(it)
    return {1, used(it), 0}
end
count_refusal(it)
return {0, used(it), free - now}
