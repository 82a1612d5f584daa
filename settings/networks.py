"""Private networks that may be called all the same: `10.0.0.0/8, 192.168.1.7`."""

from ipaddress import ip_network
from typing import Annotated

from pydantic import BeforeValidator


def networks(text: object) -> object:
    """Each as it is compared with an address later: what is none is said at the start."""
    if not isinstance(text, str):
        return text
    return [str(ip_network(each.strip())) for each in text.split(",") if each.strip()]


type Networks = Annotated[list[str], BeforeValidator(networks)]
