"""`MarkdownV2`: entities nest, and every reserved character outside them must be escaped."""

import re

from bench.simulator.telegram.markup.scan import MarkupError, Scan

RESERVED = "_*[]()~`>#+-=|{}.!"
# Longer marks first: what begins with three backticks is not code.
OPENING = (
    ("```", "Pre"),
    ("`", "Code"),
    ("__", "Underline"),
    ("_", "Italic"),
    ("*", "Bold"),
    ("~", "Strikethrough"),
    ("||", "Spoiler"),
    ("![", "CustomEmoji"),
    ("[", "TextUrl"),
)
CLOSING = {kind: mark for mark, kind in OPENING} | {"CustomEmoji": "]", "TextUrl": "]"}

ORDINARY = re.compile(r"[^\\_*\[\]()~`>#+\-=|{}.!]+")
IN_CODE = re.compile(r"[^\\`]+")

type Open = tuple[str, int]


def parse(text: str) -> str:
    scan = Scan(text)
    nested: list[Open] = []
    while scan.more:
        if not (_escaped(scan) or _closed(scan, nested) or _literal(scan, nested) or _quoted(scan)):
            _open(scan, nested)
    if nested:
        kind, start = nested[-1]
        raise MarkupError(f"Can't find end of {kind} entity at byte offset {scan.byte(start)}")
    return scan.result()


def _escaped(scan: Scan) -> bool:
    following = scan.text[scan.at + 1 : scan.at + 2]
    if not scan.sees("\\") or not following or ord(following) > 126:
        return False
    scan.take()
    scan.keep()
    return True


def _closed(scan: Scan, nested: list[Open]) -> bool:
    if not nested:
        return False
    kind = nested[-1][0]
    if not scan.sees(CLOSING[kind]) or (kind == "Italic" and scan.sees("__")):
        return False
    scan.take(len(CLOSING[kind]))
    nested.pop()
    if kind in {"TextUrl", "CustomEmoji"}:
        _skip_url(scan, kind)
    return True


def _skip_url(scan: Scan, kind: str) -> None:
    if not scan.sees("("):
        if kind == "CustomEmoji":
            raise MarkupError("Custom emoji entity must contain a tg://emoji URL")
        return
    start = scan.at
    while scan.more and not scan.sees(")"):
        scan.take(2 if scan.sees("\\") else 1)
    if not scan.more:
        raise MarkupError(f"Can't find end of a URL at byte offset {scan.byte(start)}")
    scan.take()


def _literal(scan: Scan, nested: list[Open]) -> bool:
    """An ordinary character; inside of code only the backtick is special."""
    in_code = bool(nested) and nested[-1][0] in {"Code", "Pre"}
    if scan.keep_run(IN_CODE if in_code else ORDINARY):
        return True
    if scan.text[scan.at] in ("`" if in_code else RESERVED):
        return False
    scan.keep()
    return True


def _quoted(scan: Scan) -> bool:
    """`>` opens a block quotation at the beginning of a line (after `**` one that folds)."""
    at_line_start = scan.at == 0 or scan.text[scan.at - 1] == "\n"
    for mark in (">", "**>"):
        if at_line_start and scan.sees(mark):
            scan.take(len(mark))
            return True
    return False


def _open(scan: Scan, nested: list[Open]) -> None:
    for mark, kind in OPENING:
        if scan.sees(mark):
            nested.append((kind, scan.at))
            scan.take(len(mark))
            if kind == "Pre":
                scan.skip_language()
            return
    reserved = scan.text[scan.at]
    raise MarkupError(f"Character '{reserved}' is reserved and must be escaped with the preceding '\\'")
