"""What the supervisor writes down for `ps`, also after it could not."""

from pathlib import Path

import pytest

from bench.patience import free_port
from khronos.launch import state
from khronos.launch.announcer import Announcer
from khronos.launch.home import Home
from khronos.launch.screen import Screen


def test_what_a_full_disk_kept_out_is_written_at_a_later_look(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    home = Home(tmp_path)
    home.state.mkdir(parents=True)  # nothing can be put in its place
    announcer = Announcer(home, Screen(), {"PORT": str(free_port()), "METRICS_TOKEN": "token"})
    announcer.is_ready = True
    announcer.changed([])
    announcer.looked([])
    assert state.load(home) == []
    home.state.rmdir()
    announcer.looked([])
    assert [entry.name for entry in state.load(home)] == [state.SUPERVISOR]
    assert capfd.readouterr().out.count("cannot be written") == 1
