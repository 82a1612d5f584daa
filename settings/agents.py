"""The models that answer, and how much they are told."""

from settings.env import env
from settings.resilience import BREAKERS

ANTHROPIC_API_KEY = env.anthropic_api_key
ANTHROPIC_BASE_URL = env.anthropic_base_url
ANTHROPIC_MODEL = env.anthropic_model
OPENAI_API_KEY = env.openai_api_key
OPENAI_BASE_URL = env.openai_base_url
OPENAI_MODEL = env.openai_model

PROVIDER_ORDER = ["anthropic", "openai"]
PROVIDER_CONNECT_TIMEOUT_S = 3.0
PROVIDER_TOTAL_TIMEOUT_S = {name: BREAKERS[name]["timeout_s"] for name in PROVIDER_ORDER}
ANSWER_MAX_TOKENS = 2048  # some models think within it
HISTORY_MAX_TOKENS = 3000  # when it is full, the older half is left to the summary
HISTORY_MAX_MESSAGES = 40
HISTORY_NEARLY = 0.75  # of either: then the older half is summed up, in the background
SUMMARY_MAX_TOKENS = 1024  # some models think within it
SUMMARY_MAX_CHARACTERS = 3000
SUMMARY_READS_TOKENS = 12_000  # of what is older; a talk that was never summed up may be long
SUMMARIES_AT_ONCE = 2  # in each worker
SUMMARY_WAIT_S = 60.0  # while models are away or busy with answers, doubled
SUMMARY_WAIT_MAX_S = 3600.0
PASSAGES_MAX_TOKENS = 1500
FACTS_MAX = 30  # that are remembered of a contact
TYPING_AFTER_S = 0.6  # a quick answer needs no typing sign
TYPING_EVERY_S = 4.5  # Telegram shows the sign for five seconds
TRIAGE_BY = env.triage
TRIAGE_TEXT_MAX = 2000  # characters of what was said
TRIAGE_MAX_TOKENS = 300  # some models think within it
TRIAGE_PATIENCE_S = 4.0  # then rules decide: somebody waits, and has not been thought about yet
DEPRECATED_MODELS = {
    "claude-sonnet-4-5*": "ends on 2026-11-30; use claude-sonnet-5-5",
    "claude-sonnet-4": "is gone; use claude-sonnet-5-5",
    "claude-sonnet-4-2*": "is gone; use claude-sonnet-5-5",  # with a date behind it
    "claude-opus-4*": "is gone; use claude-opus-5-5",
    "claude-3-7*": "is gone; use claude-sonnet-5-5",
}
# Per million tokens: in, out, read from a cache, written to one; as the providers list them. MODEL_PRICES
# adds to them, and corrects them.
PRICE_CURRENCY = "USD"
PRICES = {
    "claude-opus-5-5": ("5", "25", "0.50", "6.25"),
    "claude-sonnet-5-5": ("3", "15", "0.30", "3.75"),
    "claude-sonnet-4-5": ("3", "15", "0.30", "3.75"),
    "claude-haiku-5-5": ("1", "5", "0.10", "1.25"),
    "claude-haiku-4-5": ("1", "5", "0.10", "1.25"),
    "gpt-5": ("1.25", "10", "0.125"),
    "gpt-5-mini": ("0.25", "2", "0.025"),
    "gpt-5-nano": ("0.05", "0.40", "0.005"),
    "text-embedding-3-small": ("0.02", "0"),
    "text-embedding-3-large": ("0.13", "0"),
    "text-embedding-ada-002": ("0.10", "0"),
    "offline": ("0", "0"),
} | env.model_prices
DEFAULT_PRICE = PRICES["claude-opus-5-5"]  # of a model that nobody priced: rather too much than too little
MONTHLY_BUDGET = env.monthly_budget  # of PRICE_CURRENCY, of a tenant without a budget of its own
BUDGET_NEARLY = 0.8  # of it: then people are warned

AGENT_PROCESSES = env.agent_processes
AGENT_THREADS = env.agent_threads
TURN_MAX_ATTEMPTS = 3  # then it is poison: it kills workers before they finish
ANSWERS_KEPT_S = 3600.0  # where a tenant reuses them
TELL_AFTER_S = 10.0  # who waits no longer than this for a place at the model is not told of it
PARK_MIN_S = 5.0  # first wait of a turn whose model is away, doubled to the most
PARK_MAX_S = 20.0
PARK_UNAUTHORIZED_S = 300.0  # a wrong key is mended by a person
PARK_BUDGET_S = 3600.0  # or until the next month; a higher budget hurries who waits
