"""Telegram."""

from settings.env import env
from settings.resilience import BREAKERS

TELEGRAM_BOT_TOKEN = env.telegram_bot_token
TELEGRAM_WEBHOOK_SECRET = env.telegram_webhook_secret
TELEGRAM_API_URL = env.telegram_api_url.rstrip("/")
TELEGRAM_ALERT_CHAT_ID = env.telegram_alert_chat_id
TELEGRAM_CRITICAL_CHAT_ID = env.telegram_critical_chat_id
TELEGRAM_DELIVERY_MODE = env.telegram_delivery_mode
TELEGRAM_ALLOWED_UPDATES = ["message", "edited_message", "callback_query", "my_chat_member"]
TELEGRAM_CONNECT_TIMEOUT_S = 3.0
TELEGRAM_READ_TIMEOUT_S = BREAKERS["telegram"]["timeout_s"]
TELEGRAM_POLL_S = 25  # how long getUpdates waits for news
