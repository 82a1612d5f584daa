"""The legacy `Markdown` mode: no nesting, four special characters."""

import re

from bench.simulator.telegram.markup.scan import MarkupError, Scan

SPECIAL = "_*`["
ORDINARY = re.compile(r"[^_*`\[\\]+")
INSIDE = {end: re.compile(rf"[^{re.escape(end[0])}]+") for end in ("_", "*", "`", "```", "]")}


def parse(text: str) -> str:
    scan = Scan(text)
    while scan.more:
        if scan.keep_run(ORDINARY):
            continue
        if scan.sees("\\") and scan.text[scan.at + 1 : scan.at + 2] in tuple(SPECIAL):
            scan.take()
            scan.keep()
        elif scan.text[scan.at] in SPECIAL:
            _entity(scan)
        else:
            scan.keep()
    return scan.result()


def _entity(scan: Scan) -> None:
    start = scan.at
    mark = "```" if scan.sees("```") else scan.text[start]
    scan.take(len(mark))
    end = "]" if mark == "[" else mark
    if mark == "```":
        scan.skip_language()
    while scan.more and not scan.sees(end):
        if not scan.keep_run(INSIDE[end]):
            scan.keep()
    if not scan.more:
        offset = scan.byte(start)
        raise MarkupError(f"Can't find end of the entity starting at byte offset {offset}")
    scan.take(len(end))
    if mark == "[" and scan.sees("("):
        scan.take_until(")")
        scan.take()
