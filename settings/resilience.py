"""When to leave an outside service alone, and how often it may be asked. A limit of 0 is none."""

from khronos.resilience import crashpoints
from settings.env import env

# opens_at: share of failed calls in the last window_s; rest_s: until one call may try again.
BREAKERS = {
    "anthropic": {
        "timeout_s": env.anthropic_timeout_s,
        "opens_at": 0.5,
        "rest_s": env.anthropic_breaker_rest_s,
    },
    "openai": {"timeout_s": env.openai_timeout_s, "opens_at": 0.5, "rest_s": env.openai_breaker_rest_s},
    "transcriber": {
        "timeout_s": env.transcriber_timeout_s,
        "opens_at": 0.5,
        "rest_s": env.transcriber_breaker_rest_s,
    },
    "embedder": {"timeout_s": 1.0, "opens_at": 0.5, "rest_s": 30.0},  # a hosted one; documents take longer
    "telegram": {"timeout_s": env.telegram_timeout_s, "opens_at": 0.6, "rest_s": env.telegram_breaker_rest_s},
    "callback": {"timeout_s": 10.0, "opens_at": 0.6, "rest_s": 30.0},  # one for each channel
    "tool": {"timeout_s": 20.0, "opens_at": 0.6, "rest_s": 30.0},  # one for each
    "database": {"timeout_s": 3.0, "opens_at": 0.7, "rest_s": env.database_breaker_rest_s},
}
BREAKER_WINDOW_S = 10.0
BREAKER_LEAST_CALLS = 5

PROVIDER_REQUESTS_PER_MINUTE = {
    "anthropic": env.anthropic_requests_per_minute,
    "openai": env.openai_requests_per_minute,
}
PROVIDER_REQUESTS_PER_SECOND = {"transcriber": 1}
# A number that the operator chose is a ceiling; a default is raised where the provider allows more.
CHOSEN_CEILINGS = {name.removesuffix("_requests_per_minute") for name in env.model_fields_set}
PROVIDER_CONCURRENCY = {
    "anthropic": env.anthropic_concurrency,
    "openai": env.openai_concurrency,
    "transcriber": 2,
}
LEARNED_FOR_S = 3600.0  # what a provider's headers say of its limits is believed for so long
MOST_WAITING = 10_000  # for one limit; who comes then asks again later without a place

TELEGRAM_SPACING_MS = env.telegram_spacing_ms
TELEGRAM_PER_SECOND = env.telegram_per_second
TELEGRAM_CHAT_SPACING_MS = env.telegram_chat_spacing_ms
TELEGRAM_GROUP_PER_MINUTE = env.telegram_group_per_minute

CONTACT_MESSAGES_PER_MINUTE = env.contact_messages_per_minute
ADDRESS_REQUESTS_PER_MINUTE = env.address_requests_per_minute
ADDRESS_FILES_PER_MINUTE = env.address_files_per_minute
WRONG_SECRETS_PER_MINUTE = env.wrong_secrets_per_minute
TRUSTED_PROXIES = env.trusted_proxies

CRASH_AT = env.khronos_crash_at  # such as "turn.claimed:3"
crashpoints.arm(CRASH_AT, env.home / "run" / "crashes")
