"""`manage.py pause` and `resume`: names that are understood, and words that say what to do."""

import json
import re
from datetime import timedelta

import pytest
from django.core.management import CommandError
from django.db.models.functions import Now

from khronos.models import Channel, Pause
from tests import factories as make
from tests.integration import way

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bus")]
LONG_AGO = timedelta(minutes=5)


def test_the_command_pauses_lists_and_resumes(telegram: Channel) -> None:
    assert way.run("pause") == "Nothing is paused."
    make.make_turn(conversation=make.make_conversation(channel=telegram))
    assert "channel default is paused. Waiting there: 1 turn." in way.run("pause", "channel", "default")
    assert "`python manage.py resume channel default`" in way.run("pause", "channel", "default")
    Pause.objects.update(paused_at=Now() - LONG_AGO)
    assert re.search(r"was paused 5 min \d s ago by", way.run("pause", "channel", "default"))
    assert "channel default 5 min" in way.run("pause")
    [row] = json.loads(way.run("pause", "--json"))
    assert (row["kind"], row["name"], row["turns"], row["deliveries"]) == ("channel", "default", 1, 0)
    assert row["paused_s"] in range(299, 310)
    way.run("pause", "queue", "delivery")
    assert way.run("resume", "channel", "default") == (
        "▶ channel default goes on. Rung for: 1 turn. Still paused: queue delivery."
    )
    assert way.run("resume", "channel", "default").startswith("channel default is not paused.")


@pytest.mark.parametrize("noun", ["queue", "tenant", "channel", "conversation"])
def test_what_a_list_names_is_what_resume_takes(telegram: Channel, noun: str) -> None:
    talk = make.make_conversation(channel=telegram)
    name = {
        "queue": "embeddings",
        "tenant": telegram.tenant.slug,
        "channel": "default",
        "conversation": str(talk.pk),
    }[noun]
    way.run("pause", noun, name)
    [row] = json.loads(way.run("pause", "--json"))
    assert f"{row['kind']} {row['name']} goes on" in way.run("resume", row["kind"], row["name"])
    assert not Pause.objects.exists()


@pytest.mark.parametrize(
    ("words", "fix"),
    [
        (("channel", "defualt"), "There are: default."),
        (("queue", "agent"), "There are: agent.ai, delivery, embeddings."),
        (("tenant", "nobody"), "There are: "),
        (("conversation", "12"), "Its id ends the address of its page"),
        (("channel",), "`python manage.py pause channel NAME`"),
    ],
)
def test_a_wrong_name_is_told_with_the_right_ones(
    telegram: Channel, words: tuple[str, ...], fix: str
) -> None:
    with pytest.raises(CommandError, match=fix.replace(".", r"\.")):
        way.run("pause", *words)
    assert not Pause.objects.exists()
