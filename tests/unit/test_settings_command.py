"""The reference of all settings, made from them: whole, and without anybody's secret."""

import json
from io import StringIO

import pytest
from django.core.management import call_command

from settings.dotenv import ROOT
from settings.env import Environment


def said(*words: str) -> str:
    out = StringIO()
    call_command("settings", *words, stdout=out)
    return out.getvalue()


def test_every_setting_is_told_once_and_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-somebody")
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    told = {row["name"]: row for row in json.loads(said("--json"))}
    assert sorted(told) == sorted(name.upper() for name in Environment.model_fields)
    assert [told[name]["is_set"] for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY")] == [True, False]
    assert told["EMBEDDINGS_AT_ONCE"]["default"] == "10"
    assert "sk-of-somebody" not in said("--json") + said()


def test_a_word_finds_those_it_stands_in() -> None:
    assert "EMBEDDER_URL\n      Where that process" in said("embedder")
    assert "TELEGRAM_BOT_TOKEN" not in said("embedder")


def test_the_reference_is_what_the_settings_say() -> None:
    """`python manage.py settings --markdown > docs/configuration.md` makes it anew."""
    assert (ROOT / "docs" / "configuration.md").read_text() == said("--markdown")
