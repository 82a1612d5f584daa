"""What a text's words come down to: small letters without accents, no filling words, the beginning of each.

One rule for Portuguese and English, the same for what is kept and what is asked, and for both databases.
"""

import re
import unicodedata
from pathlib import Path

WORD = re.compile(r"[^\W_]+")
STEM = 6  # letters: devolver, devolução and devoluções begin alike
WORD_MAX = 40

FILLING = frozenset((Path(__file__).parent / "filling.txt").read_text("utf-8").split())


def folded(text: str) -> str:
    """Small letters without accents."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in letters if not unicodedata.combining(sign))


def has_words(text: str) -> bool:
    """Whoever sends a thumb, or a question mark alone, does not."""
    return WORD.search(text) is not None


def words_of(text: str) -> list[str]:
    """Folded and whole, in their order, each as often as it stands there."""
    return [word[:WORD_MAX] for word in WORD.findall(folded(text)) if word not in FILLING]


def stems_of(text: str) -> list[str]:
    return [stem(word) for word in words_of(text)]


def stem(word: str) -> str:
    """Plurals go first, so that short words meet too; a number stays whole."""
    if word[0].isdigit():
        return word
    for ending, instead in (("oes", "ao"), ("ies", "y"), ("s", "")):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            word = word[: len(word) - len(ending)] + instead
            break
    return word[:STEM]
