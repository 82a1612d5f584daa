"""A lock across processes: one owner, a time to live, released and extended by its owner only."""

import secrets

import redis

MINE = "if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end "
EXTEND = MINE + "return redis.call('pexpire', KEYS[1], ARGV[2])"
RELEASE_INHERITED = """
local held = redis.call('get', KEYS[1])
if not held or string.sub(held, 1, #ARGV[1]) ~= ARGV[1] then return 0 end
return redis.call('del', KEYS[1])
"""
RELEASE = MINE + "return redis.call('del', KEYS[1])"


class RedisLock:
    """Does not wait: who finds it taken leaves, and is rung for when it is free."""

    def __init__(self, client: "redis.Redis", name: str, ttl_ms: int, owner: str = "") -> None:
        self._client, self._key, self._ttl_ms = client, f"lock:{name}", ttl_ms
        self._owner = f"{owner}/"
        self._token = self._owner + secrets.token_hex(8)

    def acquire(self) -> bool:
        return bool(self._client.set(self._key, self._token, nx=True, px=self._ttl_ms))

    def extend(self) -> bool:
        return bool(self._client.eval(EXTEND, 1, self._key, self._token, self._ttl_ms))

    def release_inherited(self) -> bool:
        """What an earlier life of the same owner left locked is free; that one must surely be dead."""
        return bool(self._client.eval(RELEASE_INHERITED, 1, self._key, self._owner))

    def release(self) -> None:
        self._client.eval(RELEASE, 1, self._key, self._token)
