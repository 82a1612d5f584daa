"""The head of a request says what its caller wanted, and nothing that a header's value smuggles in."""

import pytest

from khronos.http import Unsent, encoded


def test_each_header_is_a_line() -> None:
    head = encoded("GET", "/a?b=1", "shop.example", [("X-One", "1"), ("X-Two", "ç")], b"")
    assert head.split(b"\r\n") == [
        b"GET /a?b=1 HTTP/1.1",
        b"Host: shop.example",
        b"Content-Length: 0",
        b"X-One: 1",
        b"X-Two: \xe7",
        b"",
        b"",
    ]


@pytest.mark.parametrize("ending", ["\r", "\n", "\r\n", "\n\r"])
@pytest.mark.parametrize("place", ["name", "value", "target"])
def test_what_would_begin_another_line_is_not_sent(place: str, ending: str) -> None:
    sign = f"a{ending}X-Evil: 1"
    header = {"name": (sign, "1"), "value": ("X-One", sign), "target": ("X-One", "1")}[place]
    with pytest.raises(Unsent, match="line break"):
        encoded("GET", f"/{sign}" if place == "target" else "/", "shop.example", [header], b"")
