"""Without a public address: updates are fetched, by one poller at a time."""

import threading

from bench.patience import until
from bench.simulator.client import BotClient
from tests.acceptance.stage import Stage, clean, exact, figures

ALERT = "SELECT text, resolved_at FROM khronos_alert WHERE name = 'poller.default'"


def test_killed_poller_loses_and_repeats_nothing(polling: Stage) -> None:
    polling.world.models.think(0.2)
    polling.play(20, 6, arrival="paced", rate=40)
    polling.after(40)
    polling.khronos.wait_back("poller", polling.khronos.kill("poller"))
    polling.after(80)
    polling.khronos.wait_back("poller", polling.khronos.kill("poller"))
    verdict = polling.finish(60)
    assert figures(verdict) == exact(120)
    assert verdict.longest_wait < 20  # its next life need not wait for the lease of the last
    assert polling.troubles() == clean()


def test_webhook_left_over_is_taken_away(polling: Stage) -> None:
    polling.world.telegram.set_webhook("http://127.0.0.1:9/nobody", "hush")
    polling.play(5, 1)
    assert figures(polling.finish()) == exact(5)
    assert polling.world.telegram.bot().webhook is None
    assert polling.khronos.sql(ALERT) == []


def test_second_program_on_the_token_is_told_of_and_outlived(polling: Stage) -> None:
    stranger, leave = BotClient(polling.world.url, polling.khronos.token), threading.Event()

    def poll() -> None:
        while not leave.is_set():
            stranger.call("getUpdates", timeout=1)

    thread = threading.Thread(target=poll)
    thread.start()
    try:
        assert until(lambda: open_alerts(polling) == 1, 40)
        ((text, _),) = polling.khronos.sql(ALERT)
        assert "Another program polls the bot" in text
        polling.play(10, 2)
    finally:
        leave.set()
        thread.join()
    assert figures(polling.finish()) == exact(20)
    assert until(lambda: open_alerts(polling) == 0, 40)
    assert polling.troubles() == clean()


def open_alerts(stage: Stage) -> int:
    return sum(resolved_at is None for _, resolved_at in stage.khronos.sql(ALERT))
