"""Which language somebody writes: by the words that only one of them has, as they are written in chats."""

import re

from khronos.knowledge.words import folded

CHARACTERS = 600  # of a text; the rest is in the same language


def heard(words: str) -> re.Pattern[str]:
    """Whole words, anywhere in the text; compared without case and accents."""
    return re.compile(rf"(?<!\w)(?:{words})(?!\w)")


PORTUGUESE = heard(
    r"oi+|ola|bom dia|boa (?:tarde|noite)|obrigad[oa]|voces?|vc|nao|sim|quero|meu|minha|pedido|preciso"
    r"|ajuda|tudo|quem|qual|quando|onde|como|porque|por favor|uma|isso|esta|estou|com|para|pra|de|tchau"
    r"|valeu|falar|que|eh?|quant[oa]s?|quais|tem|posso|precisa|em|sao"
)
ENGLISH = heard(
    r"hi|hello|hey|the|is|are|you|my|what|who|when|where|how|why|please|thanks?|help|want|need|i|it|and"
    r"|to|of|can|in|on|at|with|from|your|does|have"
)
SPANISH = heard(  # shares many words with Portuguese, and is neither of ours
    r"hola|buen(?:os|as)|gracias|usted(?:es)?|quiero|necesito|donde|cuando|cuanto|muy|pero|hay|el|los|las"
    r"|mi|yo|una|estoy|tengo|puedo"
)
CHANGES_BY = 2  # words more than of the language so far: one of them slips into any text


def language_heard(text: str, so_far: str = "") -> str:
    """`pt`, `en`, or `so_far` where the words do not tell otherwise."""
    words = " ".join(folded(text[:CHARACTERS]).split())
    portuguese, english = len(PORTUGUESE.findall(words)), len(ENGLISH.findall(words))
    if portuguese > english and len(SPANISH.findall(words)) >= portuguese:
        return so_far
    told = "pt" if portuguese > english else "en" if english > portuguese else so_far
    is_clear = abs(portuguese - english) >= CHANGES_BY
    return told if is_clear or not so_far else so_far
