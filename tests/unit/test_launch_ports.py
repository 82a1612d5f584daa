"""Set ports are law, default ones give way, and what was chosen once is chosen again."""

from pathlib import Path

import pytest

from khronos.exceptions import Misconfigured
from khronos.launch import ports
from khronos.launch.home import Home
from khronos.launch.sockets import INNER


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def choose(home: Home, taken: set[int] | None = None, **given: str) -> ports.Ports:
    busy = taken or set()
    return ports.choose(given, home, lambda _host, port: port not in busy)


def test_defaults_are_taken_when_free(home: Home) -> None:
    chosen = choose(home)
    assert chosen.values["PORT"] == "18789"
    assert chosen.values["FLOWER_PORT"] == "5555"
    assert chosen.said == []


def test_a_default_that_is_taken_gives_way_and_says_so(home: Home) -> None:
    chosen = choose(home, {18789, 18790})
    assert chosen.values["PORT"] == "18791"
    assert len(chosen.said) == 1
    assert chosen.said[0].startswith("Port 18789 is taken by ")
    assert chosen.said[0].endswith(": web uses 18791")


def test_a_port_that_was_set_is_an_error_that_names_the_fix(home: Home) -> None:
    with pytest.raises(Misconfigured, match=r"(?s)Port 9000 \(PORT\) is taken.*Fix:"):
        choose(home, {9000}, PORT="9000")


@pytest.mark.parametrize("text", ["abc", "0", "65536", "-1", "1e3"])
def test_what_is_no_port_is_refused(home: Home, text: str) -> None:
    with pytest.raises(Misconfigured, match="which is no port"):
        choose(home, PORT=text)


def test_the_port_of_the_last_start_is_kept(home: Home) -> None:
    ports.keep(home, choose(home, {18789}).values)
    chosen = choose(home)
    assert chosen.values["PORT"] == "18790"
    assert chosen.said == ["web stays on port 18790, as at the last start (PORT=18789 moves it back)"]


def test_a_kept_port_is_not_mistaken_for_one_that_was_set(home: Home) -> None:
    ports.keep(home, choose(home).values)
    assert choose(home, {18789}).values["PORT"] == "18790"


def test_a_port_that_was_set_once_is_not_kept(home: Home) -> None:
    ports.keep(home, choose(home, PORT="9000").values)
    assert choose(home).values["PORT"] == "18789"


def test_the_inner_port_is_kept_while_it_is_free(home: Home) -> None:
    first = choose(home)
    ports.keep(home, first.values)
    inner = int(first.values["VALKEY_PORT"])
    assert inner in INNER
    assert choose(home).values["VALKEY_PORT"] == str(inner)
    assert choose(home, {inner}).values["VALKEY_PORT"] != str(inner)


def test_no_inner_port_where_a_redis_is_given(home: Home) -> None:
    assert "VALKEY_PORT" not in choose(home, REDIS_URL="redis://elsewhere/0").values


def test_two_defaults_never_meet(home: Home) -> None:
    values = choose(home, FLOWER_PORT="18789").values
    assert (values["PORT"], values["FLOWER_PORT"]) == ("18790", "18789")
    with pytest.raises(Misconfigured):
        choose(home, PORT="5555", FLOWER_PORT="5555")


def test_a_spoilt_file_is_as_good_as_none(home: Home) -> None:
    (home.path / "ports.env").write_text("PORT=nonsense\nVALKEY_PORT=99999999\nKHRONOS_CHOSE=PORT\n")
    assert choose(home).values["PORT"] == "18789"
