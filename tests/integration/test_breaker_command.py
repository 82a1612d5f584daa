"""An operator leaves a service alone by hand, and asks it again."""

import pytest
from django.core.management import CommandError

from khronos.exceptions import Refused
from khronos.guards.breakers import breaker, guarded
from khronos.models import Alert
from tests.integration import way

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("bus")]


def test_a_service_is_left_alone_for_so_long_and_asked_again() -> None:
    assert "anthropic closed 0 0" in way.run("breaker", "list")
    assert "anthropic is left alone for 5 min" in way.run("breaker", "open", "anthropic", "--minutes", "5")
    with pytest.raises(Refused) as refused, guarded("anthropic"):
        pytest.fail("it was asked")
    assert refused.value.retry_after == pytest.approx(300, abs=10)
    assert "anthropic open 0 0 5 min" in way.run("breaker", "list")
    told = Alert.objects.get(name="breaker.anthropic")
    assert told.text == "anthropic is left alone for a while: an operator wants it so."
    assert "anthropic is asked again" in way.run("breaker", "close", "anthropic")
    with guarded("anthropic"):
        pass
    told.refresh_from_db()
    assert told.resolved_at is not None
    assert "closed" in str(breaker("anthropic").snapshot().state)


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["open", "nobody"], "There is no nobody. There are: anthropic, openai"),
        (["open", "openai", "--minutes", "0"], "at most a day"),
        (["close", "openai"], "its breaker is closed"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(words: list[str], answer: str) -> None:
    with pytest.raises(CommandError, match=answer):
        way.run("breaker", *words)
