"""Signatures of requests to S3, beside the known answers of Amazon's documentation."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from khronos.backup.signing import Signer

HOST = "examplebucket.s3.amazonaws.com"
NOW = datetime(2013, 5, 24, tzinfo=UTC)
SIGNER = Signer("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1")


@pytest.mark.parametrize(
    ("method", "path", "query", "body", "further", "signature"),
    [
        (
            "GET", "/test.txt", {}, b"", {"Range": "bytes=0-9"},
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            "PUT", "/test$file.text", {}, b"Welcome to Amazon S3.",
            {"Date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"},
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        (
            "GET", "/", {"lifecycle": ""}, b"", {},
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        ),
        (
            "GET", "/", {"prefix": "J", "max-keys": "2"}, b"", {},
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ],
    ids=["a part", "an object", "a question", "a list"],
)  # fmt: skip
def test_a_request_is_signed_as_amazon_wants_it(
    method: str, path: str, query: Mapping[str, str], body: bytes, further: Mapping[str, str], signature: str
) -> None:
    headers = SIGNER.headers(method, HOST, path, query, body, NOW, further)
    assert headers["Authorization"].endswith(f"Signature={signature}")


def test_the_token_of_a_lent_key_is_sent_and_signed() -> None:
    lent = Signer(SIGNER.key, SIGNER.secret, SIGNER.region, token="lent")
    headers = lent.headers("GET", HOST, "/", {}, b"", NOW)
    assert headers["x-amz-security-token"] == "lent"
    assert (
        "SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token," in headers["Authorization"]
    )
