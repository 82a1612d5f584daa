"""Which ports this instance uses. Set ones are law; default ones give way; inner ones are any free."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from khronos.exceptions import Misconfigured
from khronos.launch.home import Home, explained, write
from khronos.launch.sockets import any_free, holder_of, take
from settings.dotenv import read_env_file

DEFAULTS = {"PORT": 18789, "FLOWER_PORT": 5555}
USES = {"PORT": "web", "FLOWER_PORT": "Flower"}
NEXT = 200  # how many following ports are tried


@dataclass
class Ports:
    values: dict[str, str] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)


def choose(given: Mapping[str, str], home: Home, take: Callable[[str, int], bool] = take) -> Ports:
    """What is written to ports.env: names that nobody set, and who chose them."""
    kept = dict(read_env_file(home.ports))
    chosen_before = set(kept.get("KHRONOS_CHOSE", "").split(","))
    ports, taken = Ports(), set[int]()
    host = given.get("KHRONOS_HOST", "127.0.0.1")
    for name in sorted(DEFAULTS, key=lambda name: name not in given):  # set ones first: they do not give way
        default = DEFAULTS[name]
        where = host if name == "PORT" else "127.0.0.1"

        def free(port: int, where: str = where) -> bool:
            return port not in taken and take(where, port)

        if name in given:
            number = insist(name, given[name], free)
        else:
            before = number_in(kept, name, default) if name in chosen_before else default
            number = give_way(name, default, before, free, ports.said)
        taken.add(number)
        ports.values[name] = str(number)
    for name in inner(given):
        before = number_in(given, name, 0) or number_in(kept, name, 0)
        number = before if before and before not in taken and take("127.0.0.1", before) else any_free(take)
        taken.add(number)
        ports.values[name] = str(number)
    ports.values["KHRONOS_CHOSE"] = ",".join(name for name in ports.values if name not in given)
    return ports


def inner(given: Mapping[str, str]) -> Iterator[str]:
    """Ports of what runs embedded, and not elsewhere."""
    if not given.get("REDIS_URL"):
        yield "VALKEY_PORT"
    if given.get("EMBEDDINGS", "local") == "local" and not given.get("EMBEDDER_URL"):
        yield "EMBEDDER_PORT"


def number_in(kept: Mapping[str, str], name: str, default: int) -> int:
    text = kept.get(name, "")
    return int(text) if text.isdecimal() and 0 < int(text) < 65536 else default


def insist(name: str, text: str, is_free: Callable[[int], bool]) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise Misconfigured(f"{name} is {text!r}, which is no port.\n  Fix: set a number from 1 to 65535.")
    if not is_free(int(text)):
        raise Misconfigured(
            f"Port {text} ({name}) is taken by {holder_of(int(text))}.\n"
            f"  Fix: stop that program, set another {name}, or leave {name} out: then a free one is chosen."
        )
    return int(text)


def give_way(name: str, default: int, before: int, is_free: Callable[[int], bool], said: list[str]) -> int:
    """The one of the last start, else the default, else the next free one: a bookmark stays good."""
    following = range(default, min(default + NEXT, 65536))
    number: int | None = next((port for port in (before, *following) if is_free(port)), None)
    if number is None:
        raise Misconfigured(f"No port from {default} on is free.\n  Fix: set {name} to one that is.")
    if number == before != default:
        said.append(
            f"{USES[name]} stays on port {number}, as at the last start ({name}={default} moves it back)"
        )
    elif number != default:
        said.append(f"Port {default} is taken by {holder_of(default)}: {USES[name]} uses {number}")
    return number


def keep(home: Home, values: Mapping[str, str]) -> None:
    lines = ["# Chosen by `make up`; other terminals read them here. Set a name in .env to decide yourself."]
    with explained(home.path):
        write(home.ports, "\n".join([*lines, *(f"{name}={value}" for name, value in values.items())]) + "\n")
