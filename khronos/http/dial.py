"""Opening a connection: directly or through the environment's proxy, in the clear or by TLS."""

import base64
import socket
import ssl
import sys
import time
from functools import lru_cache
from http.client import HTTPException, HTTPResponse
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import truststore

MIN_WAIT_S = 0.001  # zero would make the socket non-blocking


def left(deadline: float) -> float:
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("the time for the whole call is over")
    return max(seconds, MIN_WAIT_S)


def dial(server: SplitResult, connect_timeout: float, deadline: float, fixed: str = "") -> socket.socket:
    """A connection that is ready for a request. Raises OSError, for whatever reason there is none.

    `fixed` is the address to connect to, whatever the host's name means by now.
    """
    is_tls = server.scheme == "https"
    host, port = server.hostname or "", server.port or (443 if is_tls else 80)
    proxy = proxy_of(host) if is_tls else None
    address = (proxy.hostname or "", proxy.port or 80) if proxy else (fixed or host, port)
    sock = socket.create_connection(address, min(connect_timeout, left(deadline)))
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if proxy:
            tunnel(sock, proxy, authority(fixed or host, port))
        return tls().wrap_socket(sock, server_hostname=host) if is_tls else sock
    except BaseException:
        sock.close()
        raise


def authority(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@lru_cache
def tls() -> ssl.SSLContext:
    """The system's own authorities. On Linux truststore would read them again for each connection."""
    paths = ssl.get_default_verify_paths()
    if sys.platform == "linux" and (paths.cafile or paths.capath):
        return ssl.create_default_context()
    return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def proxy_of(host: str) -> SplitResult | None:
    """Of HTTPS_PROXY and NO_PROXY, or what the system says. This machine itself is never behind one."""
    address = getproxies().get("https")
    if not address or host in ("127.0.0.1", "localhost", "::1") or proxy_bypass(host):
        return None
    return urlsplit(address if "://" in address else f"http://{address}")


def tunnel(sock: socket.socket, proxy: SplitResult, target: str) -> None:
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
    if proxy.username:
        user = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
        lines.append(f"Proxy-Authorization: Basic {base64.b64encode(user.encode()).decode()}")
    sock.sendall("\r\n".join([*lines, "", ""]).encode())
    response = HTTPResponse(sock, method="CONNECT")
    try:
        response.begin()
    except HTTPException as error:
        raise OSError(None, f"the proxy answers {type(error).__name__}") from None
    finally:
        response.close()
    if response.status != 200:
        raise OSError(None, f"the proxy answers {response.status}")
