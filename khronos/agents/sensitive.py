"""What is never remembered of a person, whoever asks for it: numbers of cards and papers, passwords, keys."""

import re

DIGITS = re.compile(r"(?:\d[ .-]?){11,19}")
WORDS = (
    r"pass\s?(?:word|phrase|code)s?|senhas?|pin|cvv2?|cvc|security code|c[oó]digo de seguran[cç]a"
    r"|secret|segredo|token|api[ _-]?key|private key|chave (?:secreta|privada|de api)|2fa|otp"
)
NAMED = re.compile(rf"\b(?:{WORDS})\b", re.IGNORECASE)
KEYS = re.compile(r"(?=[\w+/=-]*\d)(?=[\w+/=-]*[A-Za-z])[\w+/=-]{24,}|-----BEGIN|\bsk-\w{8,}")


def is_sensitive(text: str) -> bool:
    runs = ("".join(sign for sign in run if sign.isdigit()) for run in DIGITS.findall(text))
    return bool(NAMED.search(text) or KEYS.search(text)) or any(is_card(run) or is_cpf(run) for run in runs)


def is_card(digits: str) -> bool:
    """By its check digit."""
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(digits))]
    return 13 <= len(digits) <= 19 and sum(each // 10 + each % 10 for each in doubled) % 10 == 0


def is_cpf(digits: str) -> bool:
    """By its two check digits."""
    if len(digits) != 11 or len(set(digits)) == 1:
        return False
    return all(check_digit(digits[:length]) == int(digits[length]) for length in (9, 10))


def check_digit(digits: str) -> int:
    weights = range(len(digits) + 1, 1, -1)
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True)) * 10 % 11 % 10
