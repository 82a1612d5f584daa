"""What a check saw: English, as logs and programs read it, and in the language of whoever looks later."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.utils import translation


class Said(str):
    """`Said("%(n)s MB free") % {"n": 5}`: a text like any other, that can be told once more by `local`."""

    text: str
    figures: Mapping[str, Any] | None

    def __new__(cls, text: str, figures: Mapping[str, Any] | None = None) -> "Said":
        made = super().__new__(cls, text if figures is None else str.__mod__(text, figures))
        made.text, made.figures = text, figures
        return made

    def __mod__(self, figures: Mapping[str, Any]) -> "Said":
        return Said(self.text, figures)

    def local(self) -> str:
        words = translation.gettext(self.text)
        if self.figures is None:
            return words
        return words % {name: local(each) for name, each in self.figures.items()}


def joined(mark: str, parts: Iterable[str]) -> Said:
    figures = {str(number): part for number, part in enumerate(parts)}
    return Said(mark.join(f"%({number})s" for number in figures), figures)


def local[T](each: T) -> T | str:
    """In the language of this moment."""
    return each.local() if isinstance(each, Said) else each


def in_language(text: str, code: str) -> str:
    with translation.override(code):
        return local(text)


def translated(text: str) -> dict[str, str]:
    """In each language but English, for those who read what is kept."""
    if not isinstance(text, Said):
        return {}
    found = {}
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            found[code] = text.local()
    return {code: words for code, words in found.items() if words != text}
