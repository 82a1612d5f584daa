"""A fake Telegram Bot API."""

from bench.simulator.telegram.service import Telegram

__all__ = ["Telegram"]
