"""Where this machine finds its own web server, whatever that one listens on."""

import pytest

from khronos.launch.probes import address


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({}, "http://127.0.0.1:18789"),
        ({"PORT": "9000", "KHRONOS_HOST": "0.0.0.0"}, "http://127.0.0.1:9000"),
        ({"PORT": "", "KHRONOS_HOST": "10.0.0.5"}, "http://10.0.0.5:18789"),
        ({"KHRONOS_HOST": "::"}, "http://127.0.0.1:18789"),
        ({"KHRONOS_HOST": "::1"}, "http://[::1]:18789"),
    ],
)
def test_it_is_called_where_it_listens(known: dict[str, str], expected: str) -> None:
    assert address(known) == expected
