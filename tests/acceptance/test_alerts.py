"""Real processes: people hear of an alert, mute it by a press, and hear by e-mail when Telegram is away."""

import signal
import subprocess
import sys

from bench.instance import ROOT, Instance
from bench.patience import until
from bench.simulator import Simulator
from tests.integration.mail_server import mail_server

CHAT, ANA = 9001, 100_777
DIED = "A process had to be restarted"
MUTED = """
    SELECT muted_by, muted_until IS NOT NULL, told_by
    FROM khronos_alert WHERE name = 'paused.queue.embeddings'
"""


def buttons(world: Simulator) -> tuple[int, dict[str, str]]:
    message = world.telegram.view(CHAT)[0]
    markup = message.raw.get("reply_markup")
    rows = markup["inline_keyboard"] if isinstance(markup, dict) else []
    return message.message_id, {each["text"]: each["callback_data"] for row in rows for each in row}


def test_a_pause_is_told_and_muted_by_a_press_and_a_death_by_mail() -> None:
    with Simulator.start() as world, mail_server() as mail:
        env = {
            "TELEGRAM_ALERT_CHAT_ID": str(CHAT),
            "EMAIL_URL": mail.url,
            "ALERT_EMAIL_TO": "ops@shop.example",
        }
        with Instance(world, env=env) as khronos:
            world.telegram.open_chat(CHAT)
            pause(khronos)
            assert world.wait_until(lambda: len(world.telegram.answers(CHAT)) > 0, 20)
            text = world.telegram.answers(CHAT)[0]
            assert text.startswith(
                "ℹ️ Work is paused\npaused.queue.embeddings: queue embeddings is paused by "
            )
            assert f"docs/runbooks/paused.md  {khronos.url}/admin/khronos/alert/" in text

            message_id, shown = buttons(world)
            world.telegram.press(ANA, answer_to_ana(world), shown["🔇 8 h"])  # forged by a contact
            world.telegram.press(CHAT, message_id, shown["🔇 8 h"])
            assert world.wait_until(lambda: "🔔 Unmute" in buttons(world)[1], 20)
            assert khronos.sql(MUTED) == [(f"Person {CHAT}", 1, "Telegram")]
            assert f"Muted by Person {CHAT} until" in world.telegram.answers(CHAT)[0]
            chats = khronos.sql("SELECT chat_id FROM khronos_conversation")
            assert chats == [(str(ANA),)]  # the operators' press is no conversation

            world.telegram.fail(status=500, method="sendMessage")
            khronos.kill("dispatcher", signal.SIGKILL)
            assert until(lambda: any(DIED in each.get_content() for each in mail.letters), 30)


def pause(khronos: Instance) -> None:
    command = [sys.executable, "manage.py", "pause", "queue", "embeddings"]
    subprocess.run(command, env=khronos.env, cwd=ROOT, check=True, capture_output=True, timeout=60)


def answer_to_ana(world: Simulator) -> int:
    world.telegram.say(ANA, "hi")
    assert world.wait_until(lambda: len(world.telegram.answers(ANA)) > 0, 20)
    return world.telegram.view(ANA)[-1].message_id
