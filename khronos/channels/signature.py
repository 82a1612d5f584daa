"""Signatures of the web channel, the same both ways: HMAC-SHA256 over "<timestamp>.<content>"."""

import hashlib
import hmac
from collections.abc import Sequence

SIGNATURE_HEADER = "X-Khronos-Signature"
TIMESTAMP_HEADER = "X-Khronos-Timestamp"
TOLERANCE_S = 300  # a copied request is worth nothing after this; clocks may differ by as much
PREFIX = "sha256="


def sign(secret: str, timestamp: str, content: bytes) -> str:
    digest = hmac.new(secret.encode(), timestamp.encode() + b"." + content, hashlib.sha256)
    return PREFIX + digest.hexdigest()


def is_signed(secrets: Sequence[str], timestamp: str, signature: str, content: bytes, *, now: float) -> bool:
    """By any of the secrets, and lately. Without a secret nothing is signed."""
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        return False
    if abs(now - int(timestamp)) > TOLERANCE_S:
        return False
    given = signature.encode("utf-8", "replace")
    right = [sign(secret, timestamp, content).encode() for secret in secrets if secret]
    matches = [hmac.compare_digest(each, given) for each in right]
    return any(matches)
