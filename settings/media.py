"""What contacts send beside text: how much is taken, shown to models, and kept (docs/media.md)."""

from datetime import timedelta
from decimal import Decimal

from settings.env import env

MEDIA_MAX_BYTES = env.media_max_mb * 1024 * 1024  # Telegram gives bots no more than 20 MB
MEDIA_KEPT = timedelta(days=env.media_kept_days)
MEDIA_FETCH_TIMEOUT_S = 60.0
MEDIA_LEASE = timedelta(seconds=30)  # extended with each piece that is written
MEDIA_AT_ONCE = 4  # files that one process has in its hands, each of them as large as may be
MEDIA_FETCHERS = 2  # threads of a worker, for what no turn waits for
MEDIA_TEXT_MAX = 200_000  # characters kept of a document

# Models pay for each picture and each page again with every question, so only the newest are shown.
RECENT_MESSAGES = 6  # before the questions
IMAGES_SHOWN = 4
IMAGES_SHOWN_BYTES = 8 * 1024 * 1024
IMAGE_MAX_BYTES = 5 * 1024 * 1024 // 4 * 3  # Anthropic takes 5 MB, counted after base64
IMAGE_MAX_PIXELS = 8000  # of a side
IMAGE_TOKENS = 1600  # a large one, for the estimate
PAPER_MAX_TOKENS = 6000  # of all documents together

TRANSCRIBER_MODEL = env.transcriber_model
TRANSCRIBER_API_KEY = env.transcriber_api_key or env.openai_api_key
TRANSCRIBER_BASE_URL = (env.transcriber_base_url or env.openai_base_url).rstrip("/")
# US dollars a minute, as the provider lists them.
MINUTE_PRICES = {
    "gpt-4o-mini-transcribe": Decimal("0.003"),
    "gpt-4o-transcribe": Decimal("0.006"),
    "whisper-1": Decimal("0.006"),
}
if env.transcriber_minute_price is not None:
    MINUTE_PRICES[TRANSCRIBER_MODEL] = env.transcriber_minute_price
DEFAULT_MINUTE_PRICE = max(MINUTE_PRICES.values())  # of a model that nobody priced
