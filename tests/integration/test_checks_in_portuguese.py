"""What a look saw is kept in English, and told to each who reads it in his own language."""

from collections.abc import Iterator

import pytest
from django.conf import LazySettings
from django.utils import translation

from khronos.checks import Look, look
from khronos.checks.timetable import LATE_S
from khronos.models import Alert, HealthCheck
from khronos.observability.health import Amiss
from khronos.observability.said import Said, joined, local

PORTUGUESE = "pt-br"
LATE, FREE = Said("nothing fired for %(n)s s"), Said("%(n)s MB free")


@pytest.fixture
def a_look(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def ask() -> str:
        raise Amiss(joined("; ", ("beat", LATE % {"n": LATE_S})))

    monkeypatch.setattr(look, "LOOKS", {"beat": Look(ask, patience=1)})
    look.asking.cache_clear()
    yield
    look.asking.cache_clear()


def test_a_text_is_english_for_programs_and_said_once_more_for_people() -> None:
    seen = joined(", ", ("disk", FREE % {"n": 5}))
    assert seen == "disk, 5 MB free"
    assert Said("is 100 % full").local() == "is 100 % full"
    with translation.override(PORTUGUESE):
        assert local(seen) == "disk, 5 MB livres"
        assert seen == "disk, 5 MB free"
        assert local("a stranger's words") == "a stranger's words"


@pytest.mark.usefixtures("bus", "transactional_db", "a_look")
def test_a_row_tells_what_was_seen_in_the_language_of_whoever_looks(settings: LazySettings) -> None:
    settings.ALERT_LANGUAGE = PORTUGUESE
    look.look_around()
    row = HealthCheck.objects.get()
    assert row.detail == row.local == "beat; nothing fired for 180 s"
    with translation.override(PORTUGUESE):
        assert row.local == "beat; nada disparado há 180 s"
    assert Alert.objects.get().text == "beat: beat; nada disparado há 180 s"


def test_that_it_is_off_is_not_told_twice() -> None:
    row = HealthCheck(ok=True, detail="off: no Telegram channel", told={PORTUGUESE: "off: nenhum canal"})
    assert row.local == "no Telegram channel"
    with translation.override(PORTUGUESE):
        assert row.local == "nenhum canal"
