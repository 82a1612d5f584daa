"""Breakers shared through Redis: one hash each, changed by one script with the server's clock."""

import time
from collections.abc import Callable
from typing import Any

import redis

from khronos.resilience.breakers.policy import BUCKETS, BreakerPolicy, State
from khronos.resilience.breakers.store import Answer, Batch, Outcome
from khronos.resilience.rest import REST_S, Rest

KEEP_MS = 24 * 3600 * 1000  # after its last use; how often it opened is forgotten with it
STATES = (State.CLOSED, State.OPEN, State.HALF_OPEN)  # as numbers in the script, and in the metrics

SCRIPT = """
local CLOSED, OPEN, HALF_OPEN = 0, 1, 2
local key, verb = KEYS[1], ARGV[1]
local buckets, bucket_ms, opens_at = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local least_calls, rest_ms, lease_ms = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local keep_ms = tonumber(ARGV[8])

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local this_bucket = math.floor(now / bucket_ms)

local names = {'state', 'era', 'openings', 'opened_at', 'probe_at', 'lease_end', 'token'}
for slot = 0, buckets - 1 do names[#names + 1] = 'bucket' .. slot end
local found = redis.call('HMGET', key, unpack(names))
local function number(at) return tonumber(found[at] or 0) end
local state, era, openings = number(1), number(2), number(3)
local opened_at, probe_at, lease_end, token = number(4), number(5), number(6), found[7] or ''
local before = state

local window, calls, failures = {}, 0, 0
for slot = 0, buckets - 1 do
    local bucket, ok, failed = string.match(found[8 + slot] or '', '(%d+) (%d+) (%d+)')
    bucket = tonumber(bucket)
    if bucket and bucket > this_bucket - buckets and bucket <= this_bucket then
        window[bucket] = {ok, failed}
        calls, failures = calls + ok + failed, failures + failed
    end
end

local writes = {}
local function set(name, value)
    writes[#writes + 1] = name
    writes[#writes + 1] = value
end

local function count(bucket, ok, failed)
    if ok + failed == 0 or bucket <= this_bucket - buckets then return end
    local had = window[bucket] or {0, 0}
    window[bucket] = {had[1] + ok, had[2] + failed}
    calls, failures = calls + ok + failed, failures + failed
    set('bucket' .. bucket % buckets, string.format('%d %d %d', bucket, had[1] + ok, had[2] + failed))
end

local function become(new)
    state, era, token, lease_end = new, era + 1, '', 0
    set('state', state) set('era', era) set('token', token) set('lease_end', lease_end)
end

local function open(rest)
    if state ~= OPEN then openings = openings + 1 end
    opened_at, probe_at = now, now + rest
    set('openings', openings) set('opened_at', opened_at) set('probe_at', probe_at)
    become(OPEN)
end

local function close()
    window, calls, failures = {}, 0, 0
    for slot = 0, buckets - 1 do set('bucket' .. slot, '') end
    become(CLOSED)
end

local function is_probing()
    return state == HALF_OPEN and token ~= '' and now < lease_end
end

local function admit(bearer)
    if state == OPEN and now >= probe_at then become(HALF_OPEN) end
    if state ~= HALF_OPEN or is_probing() then return end
    token, lease_end = bearer, now + lease_ms
    set('token', token) set('lease_end', lease_end)
end

local is_probe = false
if verb == 'report' then
    local of_era, ok, ok_age = tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11])
    local failed, bearer = tonumber(ARGV[12]), ARGV[13]
    if state == CLOSED and of_era == era and ok + failed > 0 then
        count(math.floor((now - ok_age) / bucket_ms), ok, 0)
        count(this_bucket, 0, failed)
        if failed > 0 and calls >= least_calls and failures / calls >= opens_at then open(rest_ms) end
    end
    if bearer ~= '' then
        admit(bearer)
        is_probe = token == bearer
    end
elseif verb == 'settle' and state == HALF_OPEN and token == ARGV[9] then
    if ARGV[10] == 'success' then
        close()
    elseif ARGV[10] == 'failure' then
        count(this_bucket, 0, 1)
        open(rest_ms)
    else
        token = ''
        set('token', token)
    end
elseif verb == 'open' then
    open(tonumber(ARGV[9]))
elseif verb == 'closed' then
    close()
end

if #writes > 0 then
    redis.call('HSET', key, unpack(writes))
    redis.call('PEXPIRE', key, math.max(probe_at - now, 0) + keep_ms)
end

local shown, wait = state, 0
if state == OPEN and before == OPEN and now >= probe_at then
    before, shown = HALF_OPEN, HALF_OPEN
elseif state == OPEN then
    wait = probe_at - now
elseif is_probing() then
    wait = lease_end - now
end
local function bit(truth) return truth and 1 or 0 end
return {before, shown, era, calls, failures, openings, opened_at, wait,
        bit(is_probing()), bit(state == CLOSED or is_probe)}
"""


class RedisStore:
    """Raises Away, and asks nobody, for a while after a failure: one store for all breakers is best.

    The client should have a short timeout and no retries: once a second a call waits for it.
    """

    def __init__(
        self, client: "redis.Redis", rest_s: float = REST_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._script = client.register_script(SCRIPT)
        self._rest = Rest(rest_s, clock)

    def report(self, policy: BreakerPolicy, batch: Batch, token: str = "") -> Answer:
        counts = (batch.era, batch.successes, batch.successes_age_ms, batch.failures)
        return self._run(policy, "report", *counts, token)

    def settle(self, policy: BreakerPolicy, token: str, outcome: Outcome) -> Answer:
        return self._run(policy, "settle", token, outcome.value)

    def order(self, policy: BreakerPolicy, state: State, rest_ms: int) -> Answer:
        return self._run(policy, state.value, rest_ms)

    def look(self, policy: BreakerPolicy) -> Answer:
        return self._run(policy, "look")

    def _run(self, policy: BreakerPolicy, verb: str, *words: str | int) -> Answer:
        numbers = (policy.bucket_ms, policy.opens_at, policy.least_calls, policy.rest_ms, policy.lease_ms)
        keys, args = [f"breaker:{policy.name}"], [verb, BUCKETS, *numbers, KEEP_MS, *words]
        reply: Any = self._rest.ask(lambda: self._script(keys, args))
        before, state, *counts, is_probing, is_admitted = reply
        era, calls, failures, openings, opened_at_ms, wait_ms = counts
        return Answer(
            STATES[before],
            STATES[state],
            era,
            calls,
            failures,
            openings,
            opened_at_ms,
            wait_ms,
            bool(is_probing),
            bool(is_admitted),
        )
