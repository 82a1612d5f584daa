-- KEYS: the token's seats, the budgets.
-- ARGV: now, grace, token; of each budget: kind, limit, period, most waiting, shared.
-- Answers: granted, wait, number of the budget that refuses, full, tokens to wake.

local LEAST_WAIT, UNKNOWN_HOLD = 100000, 1000000
local token, windows, seats, wake = ARGV[3], {}, nil, {}

local function read_claims()
    for number = 2, #KEYS do
        local at = 5 * number - 6
        local kind, is_shared = ARGV[at], ARGV[at + 4] == '1'
        local it = budget(KEYS[number], kind, tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), is_shared)
        it.number, it.most_waiting = number - 1, tonumber(ARGV[at + 3])
        if kind == 'seats' then
            seats = it
        else
            it.waiting = count_places(it)
            windows[#windows + 1] = it
        end
    end
end

local function find_place()
    local place = nil
    for _, it in ipairs(windows) do
        if it.is_shared then
            local at = it.waiting > 0 and redis.call('ZSCORE', it.places, token)
            if not at then return nil end
            place = math.max(place or 0, tonumber(at))
        end
    end
    return place
end

local function leave_places()
    for _, it in ipairs(windows) do
        if it.waiting > 0 then it.waiting = it.waiting - redis.call('ZREM', it.places, token) end
    end
end

local function put(place)
    for _, it in ipairs(windows) do
        redis.call('ZADD', it.places, place, token)
        keep_until(it.places, place + grace)
    end
    if seats then
        redis.call('ZADD', seats.held, place + grace, token)
        keep_until(seats.held, place + grace)
    end
end

-- In a shared budget after all places given before; in an own one it is enough that there is room.
local function next_place(it)
    local free = free_after(it, it.waiting)
    if it.waiting >= it.limit then
        local before = redis.call('ZRANGE', it.places, -it.limit, -it.limit, 'WITHSCORES')
        free = math.max(free, tonumber(before[2]) + it.period)
    end
    if it.is_shared and it.waiting > 0 then
        free = math.max(free, tonumber(redis.call('ZRANGE', it.places, -1, -1, 'WITHSCORES')[2]))
    end
    return free
end

local function free_now(it)
    return free_after(it, 0)
end

local function free_in_turn(it)
    return free_after(it, redis.call('ZRANK', it.places, token))
end

local function latest(is_shared, free_of)
    local free, by = now, nil
    for _, it in ipairs(windows) do
        local at = it.is_shared == is_shared and free_of(it) or 0
        if at > free then free, by = at, it end
    end
    return free, by
end

local function wait_until(at, it, full)
    return {0, at - now, it.number, full or 0, unpack(wake)}
end

local function refuse(at, it, full)
    count_refusal(it)
    return wait_until(at, it, full)
end

local function refuse_seat(ahead, full)
    if seats.paused > now then return refuse(seats.paused, seats, full) end
    local hold = tonumber(redis.call('HGET', seats.key, 'hold') or UNKNOWN_HOLD)
    local wait = math.max(LEAST_WAIT, math.floor((ahead + 1) * hold / seats.limit))
    return refuse(now + math.min(wait, seats.period), seats, full)
end

-- Nothing when there is one. Who is in the line loses nothing by asking again.
local function seek_seat()
    end_leases(seats)
    local waiting, is_open = redis.call('ZCARD', seats.line), seats.paused <= now
    local is_held = redis.call('ZSCORE', seats.held, token)
    if is_open and (is_held or waiting == 0 and redis.call('ZCARD', seats.held) < seats.limit) then return end
    if is_held then
        redis.call('ZADD', seats.held, seats.paused + grace, token)
        keep_until(seats.held, seats.paused + grace)
        return refuse_seat(0)
    end
    if not redis.call('ZSCORE', seats.line, token) then
        if waiting >= seats.most_waiting then return refuse_seat(waiting, 1) end
        local last = redis.call('ZRANGE', seats.line, -1, -1, 'WITHSCORES')[2]
        redis.call('ZADD', seats.line, math.max(now, tonumber(last or 0) + 1), token)
    end
    keep(seats.line, seats.period / 500 + SPARE_MS)
    local is_called = false
    for _, called in ipairs(call_next(seats)) do
        if called == token then is_called = true else wake[#wake + 1] = called end
    end
    if not is_called then return refuse_seat(redis.call('ZRANK', seats.line, token)) end
end

-- Who finds his place taken by a late one keeps it, so that those who are late together come in their order.
local function wait_in_place(place)
    local free, by = place, windows[1]
    if place <= now then
        free, by = latest(true, free_now)
        if not by then return end
        free = latest(true, free_in_turn)
        put(math.max(place, free - grace / 2))
        return refuse(free, by)
    end
    put(place)
    for _, it in ipairs(windows) do by = it.is_shared and it or by end
    return wait_until(place, by)
end

local function reserve_place()
    local free, by = latest(true, next_place)
    if not by then return end
    for _, it in ipairs(windows) do
        if it.is_shared and it.waiting >= it.most_waiting then return refuse(free, it, 1) end
    end
    put(free)
    return refuse(free, by)
end

local function take()
    for _, it in ipairs(windows) do use(it) end
    leave_places()
    if seats then
        redis.call('ZADD', seats.held, now + seats.period, token)
        redis.call('HSET', KEYS[1], seats.key, now)
        keep(seats.key, seats.kept_ms)
        keep_until(seats.held, now + seats.period)
        keep_until(KEYS[1], now + seats.period)
    end
    return {1, 0, 0, 0, unpack(wake)}
end

read_claims()
local place = find_place()
if not place then leave_places() end
local free, by = latest(false, place and free_now or next_place)
if by then return refuse(math.max(free, place or 0), by) end
local refusal = seats and seek_seat()
if not refusal then
    if place then refusal = wait_in_place(place) else refusal = reserve_place() end
end
return refusal or take()
