"""What the environment says, typed. Names are a contract; a wrong value names its fix.

Read in this order, the first one wins: the process's environment, `.env` beside manage.py,
and what `make up` wrote under KHRONOS_HOME (secrets it made, inner ports it chose).
"""

from pathlib import Path
from typing import Any

from pydantic import ValidationError, field_validator

from khronos.exceptions import Misconfigured
from settings import names
from settings.dotenv import ROOT, merged


class Environment(
    names.Place,
    names.Stores,
    names.Telegram,
    names.Alerts,
    names.Models,
    names.Files,
    names.Knowledge,
    names.Visitors,
    names.Processes,
    names.Eyes,
    names.Backup,
):
    @field_validator("model_prices", mode="before")
    @classmethod
    def prices(cls, text: object) -> object:
        """From two to four numbers each: in, out, read from a cache, written to one."""
        if not isinstance(text, str):
            return text
        pairs = [pair.partition("=") for pair in text.split(",") if pair.strip()]
        prices = {name.strip(): tuple(price.strip().split("/")) for name, _, price in pairs}
        for name, price in prices.items():
            if not name or not 2 <= len(price) <= 4 or not all(is_price(number) for number in price):
                raise ValueError(f"{name or text} has no price such as my-model=0.5/1.5")
        return prices

    @property
    def home(self) -> Path:
        """KHRONOS_HOME, from the checkout where it is relative."""
        return ROOT / self.khronos_home


def is_price(number: str) -> bool:
    return number.replace(".", "", 1).isdecimal()


def load() -> Environment:
    known = {name: value for name, value in lower(merged()) if name in Environment.model_fields}
    try:
        return Environment(**known)  # type: ignore[arg-type]
    except ValidationError as error:
        raise Misconfigured(explain(error)) from None


def lower(pairs: dict[str, str]) -> list[tuple[str, str]]:
    return [(name.lower(), value) for name, value in pairs.items() if name.isupper()]


def explain(error: ValidationError, prefix: str = "") -> str:
    def line(problem: Any) -> str:
        name = prefix + str(problem["loc"][0]).upper()
        what = f"{name} is {problem['input']!r}: {problem['msg']}."
        return f"{what}\n  Fix: correct {name} in the environment or in .env."

    return "\n❌ ".join(line(problem) for problem in error.errors())


env = load()
