"""Ports for tests and instances: nobody else's, and none that an outgoing connection could take."""

from pathlib import Path

import pytest

from bench.patience import free_port, free_ports, is_told_first
from khronos.launch.sockets import INNER

OUTGOING = Path("/proc/sys/net/ipv4/ip_local_port_range")


@pytest.mark.skipif(not OUTGOING.exists(), reason="only Linux says it there")
def test_no_outgoing_connection_takes_a_port_that_was_chosen() -> None:
    first = int(OUTGOING.read_text().split()[0])
    assert all(port < first and port not in INNER for port in free_ports(40))
    assert INNER.stop <= first


@pytest.mark.skipif(not OUTGOING.exists(), reason="an abstract name is Linux's")
def test_a_port_is_told_to_one_process_alone() -> None:
    port = free_port()
    assert not is_told_first(port)
