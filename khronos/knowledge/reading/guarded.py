"""Files read in a process of their own, which ends in time whatever is in them."""

import os
import subprocess
import sys
from collections.abc import Iterable

import orjson
from django.utils.translation import gettext_noop

from khronos.exceptions import Permanent
from khronos.knowledge.reading import child
from khronos.knowledge.reading.unreadable import Unfit
from khronos.knowledge.splitting import Block
from settings.dotenv import ROOT

MOST_S = 30.0  # by the clock; the processor's time has a limit of its own
IN_PLACE = ("text", "markdown")  # forms that hide nothing, when they are short
SHORT_BYTES = 64 * 1024

REASONS = {
    "no text": gettext_noop("This is no text, or in an encoding that is not known. Save it as UTF-8."),
    "encrypted": gettext_noop("It is encrypted. Save it without a password."),
    "damaged": gettext_noop("It is damaged, or no file of this kind."),
    "bomb": gettext_noop("Unpacked it would be larger than any document: it is refused."),
    "too much": gettext_noop("There is too much in it to be read. Divide it into several documents."),
    "too long": gettext_noop("It took too long to read."),
}


def read(form: str, raw: bytes) -> Iterable[Block]:
    """Raises Permanent, with a reason for people, which is translated where it is shown."""
    if form in IN_PLACE and len(raw) <= SHORT_BYTES:
        try:
            return list(child.reader(form)(raw))
        except Unfit as error:
            raise Permanent(REASONS[str(error)]) from None
    return apart(form, raw)


def apart(form: str, raw: bytes) -> list[Block]:
    command = [sys.executable, "-m", child.__name__, form]
    try:
        done = subprocess.run(
            command,
            input=raw,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
            env={"PATH": os.defpath, "LANG": "C.UTF-8"},
            timeout=MOST_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Permanent(REASONS["too long"]) from None
    if done.returncode < 0:  # the limit of processor time kills
        raise Permanent(REASONS["too long"])
    if done.returncode:
        raise Permanent(REASONS["damaged"])
    answer = orjson.loads(done.stdout)
    if reason := answer.get("reason"):
        raise Permanent(REASONS[reason])
    return [Block(text, level) for text, level in answer["blocks"]]
