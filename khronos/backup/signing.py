"""Signatures of requests to S3, version 4: what the sender says of itself, the method, the address, the body.

Known answers of Amazon's own documentation are in tests/unit/test_signing.py.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class Signer:
    key: str
    secret: str
    region: str
    token: str = ""  # of a key that is lent for hours
    service: str = "s3"

    def headers(
        self,
        method: str,
        host: str,
        path: str,
        query: Mapping[str, str],
        body: bytes,
        now: datetime,
        further: Mapping[str, str] | None = None,
    ) -> dict[str, str]:
        """All that have to be sent beside Host; `further` ones are signed, too."""
        stamp, digest = now.strftime("%Y%m%dT%H%M%SZ"), hashlib.sha256(body).hexdigest()
        sent = {"x-amz-content-sha256": digest, "x-amz-date": stamp, **(further or {})}
        if self.token:
            sent["x-amz-security-token"] = self.token
        named = {"host": host, **{name.lower(): value for name, value in sent.items()}}
        names = ";".join(sorted(named))
        lines = [f"{name}:{named[name]}" for name in sorted(named)]
        request = "\n".join([method, quoted(path), written(query), *lines, "", names, digest])
        scope = f"{stamp[:8]}/{self.region}/{self.service}/aws4_request"
        told = "\n".join([ALGORITHM, stamp, scope, hashlib.sha256(request.encode()).hexdigest()])
        signature = hmac.new(self._key_of(stamp[:8]), told.encode(), hashlib.sha256).hexdigest()
        said = f"Credential={self.key}/{scope}, SignedHeaders={names}, Signature={signature}"
        return sent | {"Authorization": f"{ALGORITHM} {said}"}

    def _key_of(self, day: str) -> bytes:
        key = f"AWS4{self.secret}".encode()
        for word in (day, self.region, self.service, "aws4_request"):
            key = hmac.new(key, word.encode(), hashlib.sha256).digest()
        return key


def quoted(path: str) -> str:
    return quote(path, safe="/-_.~")


def written(query: Mapping[str, str]) -> str:
    """As it is signed, and so as it is sent."""
    pairs = [(quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in query.items()]
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))
