"""`HTML`: a few tags, properly nested, and four named entities."""

import re

from bench.simulator.telegram.markup.scan import MarkupError, Scan

TAGS = frozenset(
    [
        "a",
        "b",
        "strong",
        "i",
        "em",
        "s",
        "strike",
        "del",
        "u",
        "ins",
        "tg-spoiler",
        "tg-emoji",
        "span",
        "pre",
        "code",
        "blockquote",
        "tg-time",
    ]
)
ORDINARY = re.compile(r"[^<&]+")
NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
REFERENCE = re.compile(r"&(#x[0-9a-fA-F]{1,6}|#[0-9]{1,7}|lt|gt|amp|quot);?")
ATTRIBUTE = re.compile(r"""\s+([a-zA-Z_-]+)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s"'<>]+))?""")

type Open = tuple[str, int]


def parse(text: str) -> str:
    scan = Scan(text)
    nested: list[Open] = []
    while scan.more:
        if scan.keep_run(ORDINARY):
            continue
        if scan.sees("</"):
            _close(scan, nested)
        elif scan.sees("<"):
            _open(scan, nested)
        elif scan.sees("&"):
            _reference(scan)
        else:
            scan.keep()
    if nested:
        raise MarkupError(f'Can\'t find end tag corresponding to start tag "{nested[-1][0]}"')
    return scan.result()


def _open(scan: Scan, nested: list[Open]) -> None:
    start = scan.byte()
    begin = scan.at
    scan.take()
    name = scan.take_until(" \t\r\n>").lower()
    if not scan.more:
        raise MarkupError(f"Unclosed start tag at byte offset {start}")
    if name not in TAGS:
        raise MarkupError(f'Unsupported start tag "{name}" at byte offset {start}')
    classes = _attributes(scan, name, start).get("class", "")
    if name == "span" and classes != "tg-spoiler":
        raise MarkupError(f'Tag "span" must have class "tg-spoiler" at byte offset {start}')
    nested.append((name, begin))


def _attributes(scan: Scan, name: str, start: int) -> dict[str, str]:
    found: dict[str, str] = {}
    while match := ATTRIBUTE.match(scan.text, scan.at):
        value = match[2]
        if value is None and name != "blockquote":
            wrong = f'Expected equal sign in declaration of an attribute of the tag "{name}"'
            raise MarkupError(f"{wrong} at byte offset {start}")
        found[match[1].lower()] = (value or "").strip("\"'")
        scan.at = match.end()
    scan.take_until(">")
    if not scan.more:
        raise MarkupError(f"Unclosed start tag at byte offset {start}")
    scan.take()
    return found


def _close(scan: Scan, nested: list[Open]) -> None:
    start = scan.byte()
    if not nested:
        raise MarkupError(f"Unexpected end tag at byte offset {start}")
    scan.take(2)
    name = scan.take_until(" \t\r\n>").lower()
    scan.take_until(">")
    if not scan.more:
        raise MarkupError(f"Unclosed end tag at byte offset {start}")
    scan.take()
    expected = nested.pop()[0]
    if name not in {"", expected}:
        raise MarkupError(
            f'Unmatched end tag at byte offset {start}, expected "</{expected}>", found "</{name}>"'
        )


def _reference(scan: Scan) -> None:
    """A character given by name or number; an unknown one stands for itself."""
    match = REFERENCE.match(scan.text, scan.at)
    character = _character(match[1]) if match else ""
    if match is None or not character:
        scan.keep()
        return
    scan.at = match.end()
    scan.plain.append(character)


def _character(name: str) -> str:
    if not name.startswith("#"):
        return NAMED[name]
    code = int(name[2:], 16) if name[1] == "x" else int(name[1:])
    return chr(code) if 0 < code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else ""
