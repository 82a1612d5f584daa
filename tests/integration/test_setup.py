"""`manage.py setup` as somebody types it, before Telegram's simulator."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from bench.simulator import Simulator
from settings.dotenv import read_env_file

BOT = "616161:the-wizard-s"
URL = "https://bot.example"


@pytest.fixture
def wizard_bot(sim: Simulator) -> Simulator:
    sim.telegram.add_bot(BOT, username="wizard_bot")
    sim.telegram.set_webhook("", token=BOT)  # the simulator is everybody's
    return sim


def typed(folder: Path, api: str, *lines: str, lang: str = "C.UTF-8") -> tuple[int, str, str]:
    environ = {
        "PATH": os.defpath,
        "LANG": lang,
        "KHRONOS_HOME": str(folder / "home"),
        "KHRONOS_DOTENV": str(folder / ".env"),
        "TELEGRAM_API_URL": api,
        "PYTHONIOENCODING": "utf-8",
    }
    words = (sys.executable, "manage.py", "setup", "--settings=settings.embedded")
    done = subprocess.run(
        words, cwd=settings.BASE_DIR, env=environ, input="".join(f"{line}\n" for line in lines),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def written(folder: Path) -> dict[str, str]:
    return dict(read_env_file(folder / ".env"))


def test_answers_are_checked_written_and_told_to_telegram(tmp_path: Path, wizard_bot: Simulator) -> None:
    (tmp_path / ".env").write_text("# mine\nLOG_LEVEL=DEBUG\nOPENAI_API_KEY=sk-old\n")
    code, said, complaint = typed(
        tmp_path, wizard_bot.telegram_url,
        "1:wrong", BOT, "http://bot.example", f"{URL}/", "sk-ant x", "sk-ant-1", "",
    )  # fmt: skip
    assert (code, complaint, said.count("❌"), said.count("✅")) == (0, "", 3, 5), said
    assert "@wizard_bot" in said
    assert written(tmp_path) == {
        "LOG_LEVEL": "DEBUG", "OPENAI_API_KEY": "sk-old", "TELEGRAM_BOT_TOKEN": BOT,
        "PUBLIC_URL": f"{URL}/", "ANTHROPIC_API_KEY": "sk-ant-1",
    }  # fmt: skip
    assert (tmp_path / ".env").read_text().startswith("# mine\nLOG_LEVEL=DEBUG\n")
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600
    webhook = wizard_bot.telegram.bot(BOT).webhook
    assert webhook is not None
    assert webhook.url == f"{URL}/webhooks/telegram/default/"
    secrets = dict(read_env_file(tmp_path / "home" / "secrets.env"))
    assert webhook.secret == secrets["TELEGRAM_WEBHOOK_SECRET"] != ""
    assert BOT not in said


def test_enter_keeps_a_dash_removes_and_no_address_sets_no_webhook(
    tmp_path: Path, wizard_bot: Simulator
) -> None:
    (tmp_path / ".env").write_text(f"TELEGRAM_BOT_TOKEN={BOT}\nPUBLIC_URL={URL}\n")
    code, said, _ = typed(tmp_path, wizard_bot.telegram_url, "", "-", "", "", lang="pt_BR.UTF-8")
    assert (code, written(tmp_path)) == (0, {"TELEGRAM_BOT_TOKEN": BOT})
    assert "Enter mantém" in said
    assert wizard_bot.telegram.calls("setWebhook") == []


def test_who_leaves_amid_the_questions_has_changed_nothing(tmp_path: Path, wizard_bot: Simulator) -> None:
    code, said, complaint = typed(tmp_path, wizard_bot.telegram_url, BOT)
    assert (code, complaint.strip()) == (1, "CommandError: Nothing was written."), said
    assert not (tmp_path / ".env").exists()
    assert not (tmp_path / "home").exists()


def test_telegram_that_is_away_stops_nobody(tmp_path: Path) -> None:
    code, said, _ = typed(tmp_path, "http://127.0.0.1:9", BOT, URL, "", "")
    assert (code, written(tmp_path)) == (0, {"TELEGRAM_BOT_TOKEN": BOT, "PUBLIC_URL": URL})
    assert said.count("Taken unseen") == 1
    assert said.count("The webhook is not set") == 1
