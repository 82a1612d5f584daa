"""What an operator does by hand is told in the language of the terminal, or in the one that is asked for."""

import pytest
from django.core.management import CommandError

from khronos.models import Channel, DeadLetter
from tests import factories as make
from tests.integration import way

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bus")]


def test_pause_and_resume(telegram: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "pt_BR.UTF-8")
    make.make_turn(conversation=make.make_conversation(channel=telegram))
    paused = way.run("pause", "channel", "default")
    assert "channel default está em pausa. Esperando ali: 1 turno." in paused
    assert "turnos esperam" in way.run("pause")
    assert "channel default continua. Chamados: 1 turno." in way.run("resume", "channel", "default")
    assert way.run("pause", "--lang", "en") == "Nothing is paused."
    with pytest.raises(CommandError, match=r"Não há tenant nobody\. Há: "):
        way.run("pause", "tenant", "nobody")


def test_alerts() -> None:
    assert way.run("alert", "list", "--lang", "pt-br") == "Nenhum alerta está aberto."
    with pytest.raises(CommandError, match=r"Não há alerta none\. Abertos: –"):
        way.run("alert", "mute", "none", "--lang", "pt-br")


def test_dead_letters() -> None:
    DeadLetter.objects.create(source="stream", name="inbox", key="1-1", reason="it breaks")
    assert "`replay --all` todas" in way.run("replay", "--lang", "pt-br")
    with pytest.raises(CommandError, match="0 de 1 foram refeitos"):
        way.run("replay", "stream", "--lang", "pt-br")
