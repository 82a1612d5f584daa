"""Telegram's three ways to mark up a text: what remains to be seen, or why it cannot be parsed."""


def plain_text(text: str, parse_mode: str) -> str:
    return text
