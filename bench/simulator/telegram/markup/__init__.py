"""Telegram's three ways to mark up a text: what remains to be seen, or why it cannot be parsed."""

from bench.simulator.telegram.errors import bad_request
from bench.simulator.telegram.markup import html, markdown, markdown_v2
from bench.simulator.telegram.markup.scan import MarkupError

PARSERS = {"html": html.parse, "markdown": markdown.parse, "markdownv2": markdown_v2.parse}


def plain_text(text: str, parse_mode: str) -> str:
    """The text without its markup; refuses what the real server refuses, in its words."""
    if not parse_mode:
        return text
    parse = PARSERS.get(parse_mode.lower())
    if parse is None:
        raise bad_request("Bad Request: unsupported parse_mode")
    try:
        return parse(text)
    except MarkupError as error:
        raise bad_request(f"Bad Request: can't parse entities: {error}") from None
