"""Which addresses may be called from inside: public ones, and networks that the settings name."""

import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from khronos.exceptions import Permanent, Transient

type Address = ipaddress.IPv4Address | ipaddress.IPv6Address

NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # its last 32 bits are an IPv4 address
WRITABLE = "/?%:@!$&'()*+,;=~-._[]"  # in a path or query; all else is written in its bytes


@dataclass(frozen=True, slots=True)
class Target:
    scheme: str
    host: str
    port: int
    authority: str
    path: str

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.authority}"


def target_of(url: str) -> Target:
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").encode("idna").decode("ascii"), parts.port
    except ValueError:
        raise Permanent("the address cannot be read") from None
    if parts.scheme not in ("http", "https") or not host:
        raise Permanent("the address is no http(s) address")
    authority = f"[{host}]" if ":" in host else host
    return Target(
        scheme=parts.scheme,
        host=host,
        port=port or (443 if parts.scheme == "https" else 80),
        authority=f"{authority}:{port}" if port else authority,
        path=quote((parts.path or "/") + (f"?{parts.query}" if parts.query else ""), WRITABLE),
    )


def address_of(host: str, port: int, allowed: Sequence[str] = ()) -> str:
    """The host's address, to be connected to as it is: asked again, the name could point elsewhere."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Transient(f"{host} has no address: {error.strerror}") from None
    except UnicodeError:
        raise Permanent(f"{host!r} is no host name") from None
    addresses = [str(entry[4][0]) for entry in found]
    for address in addresses:
        if not may_call(ipaddress.ip_address(address.partition("%")[0]), allowed):
            raise Permanent(f"{host} is at a private address ({address})")
    return addresses[0]


def may_call(address: Address, allowed: Sequence[str] = ()) -> bool:
    inner = embedded(address)
    if inner is not None:
        return may_call(inner, allowed)
    if any(address in ipaddress.ip_network(network) for network in allowed):
        return True
    return address.is_global and not address.is_multicast


def embedded(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 one leads to, if it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour
