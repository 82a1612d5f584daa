"""Texts that lie in the database encrypted: keys of outside services. SECRET_KEY opens them.

A key that is about to be replaced stays in SECRET_KEY_FALLBACKS until what it sealed was saved again.
"""

from base64 import urlsafe_b64encode
from functools import lru_cache
from hashlib import sha256
from importlib import import_module
from typing import Any

from django.conf import settings

from khronos.exceptions import Unauthorized
from khronos.observability.secrecy import learn


def seal(text: str) -> str:
    return str(box().encrypt(text.encode()).decode()) if text else ""


def unseal(sealed: str) -> str:
    """Raises Unauthorized where another key sealed it."""
    if not sealed:
        return ""
    try:
        text = str(box().decrypt(sealed.encode()).decode())
    except import_module("cryptography.fernet").InvalidToken:
        raise Unauthorized("sealed with another SECRET_KEY: enter it anew") from None
    learn(text)
    return text


def box() -> Any:
    return box_of((settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


@lru_cache(maxsize=2)
def box_of(keys: tuple[str, ...]) -> Any:
    """The library costs some megabytes: only who seals pays for it."""
    fernet = import_module("cryptography.fernet")
    derived = (urlsafe_b64encode(sha256(b"khronos.sealed:" + key.encode()).digest()) for key in keys)
    return fernet.MultiFernet([fernet.Fernet(key) for key in derived])
