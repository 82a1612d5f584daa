"""What docs/ shows of files beside Khronos, run as it stands there: against look-alikes of the services."""

import hmac
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings as configured
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from bench.simulator import Simulator
from bench.simulator.models.prompt import Answer
from bench.simulator.telegram.pictures import photo
from khronos import channels as kinds
from khronos import extensions
from khronos.agents import blueprint, providers
from khronos.agents.tools import toolbox
from khronos.alerts import means
from khronos.alerts.words import News
from khronos.channels.base import Call
from khronos.checks import Look
from khronos.conversation import dispatch as dispatching
from khronos.desk.why import explain
from khronos.exceptions import Misconfigured
from khronos.guards import limits
from khronos.intake import channels
from khronos.knowledge.embedding import chosen
from khronos.management.contracts.lookalike import TOO_OFTEN, WAIT_S, LookAlike, Manner
from khronos.media import transcribing
from khronos.media.transcribing.base import Recording
from khronos.models import Attachment, Channel, DeadLetter, Delivery, Message, ToolCall, Turn, Update, Usage
from khronos.observability import metrics
from khronos.observability.health import Amiss
from khronos.observability.scrape import families
from tests import factories as make
from tests.beside import documented, laid, put
from tests.integration import way
from tests.integration.test_admin_channels import form
from tests.integration.test_tools import fresh, script, talk, wants

__all__ = ["fresh"]
URL = "/webhooks/whatsapp/wa/"
PICTURE = {
    "id": "a",
    "from": "4911",
    "type": "image",
    "image": {"id": "M1", "mime_type": "image/png", "caption": "this one?"},
}
TAKEN = Manner(200, b'{"messages": [{"id": "wamid.out"}]}')


@pytest.fixture
def service() -> Iterator[LookAlike]:
    with LookAlike() as service:
        yield service


@pytest.fixture
def beside(tmp_path: Path, settings: Settings) -> Iterator[None]:
    """All of them, and no trace of them afterwards."""
    settings.EXTENSIONS = laid(tmp_path)
    forget()
    yield
    forget()


def forget() -> None:
    for kept in (
        kinds.kind_of,
        providers.provider,
        toolbox.of_the_library,
        blueprint.of_the_library,
        transcribing.made,
        chosen.embedder,
    ):
        kept.cache_clear()
    for name in [name for name in sys.modules if name.startswith("khronos_extensions.")]:
        del sys.modules[name]


@pytest.fixture
def whatsapp(
    db: None, sim: Simulator, bus: Any, beside: None, service: LookAlike, monkeypatch: pytest.MonkeyPatch
) -> Channel:
    monkeypatch.setenv("WHATSAPP_BASE_URL", service.url)
    service.manner = TAKEN
    channels.forget()
    options = {"phone_id": "55", "verify_token": "typed at Meta"}
    secrets = {"token": "wa-token", "secret": "hush", "username": "shop"}
    return make.make_channel(slug="wa", kind="whatsapp", options=options, **secrets)


def message(id_: str, text: str, who: str = "4911", **more: Any) -> dict[str, Any]:
    return {"id": id_, "from": who, "type": "text", "text": {"body": text}, **more}


def body(*messages: dict[str, Any], statuses: tuple[dict[str, Any], ...] = ()) -> bytes:
    value = {"contacts": [{"wa_id": "4911", "profile": {"name": "Ana"}}]}
    value |= {"messages": list(messages), "statuses": list(statuses)}
    return json.dumps({"entry": [{"changes": [{"field": "messages", "value": value}]}]}).encode()


def post(raw: bytes, secret: str = "hush", url: str = URL, **more: str) -> int:
    signature = "sha256=" + hmac.new(secret.encode(), raw, sha256).hexdigest()
    headers = {"X-Hub-Signature-256": signature, **more}
    return Client().post(url, raw, content_type="application/json", headers=headers).status_code


def sent(service: LookAlike) -> list[dict[str, Any]]:
    return [json.loads(raw) for method, path, raw in service.heard if path == "/55/messages"]


def test_files_of_the_docs_are_found_in_a_home_and_keep_their_contracts(tmp_path: Path) -> None:
    laid(tmp_path)
    given = {"KHRONOS_HOME": str(tmp_path), "KHRONOS_DOTENV": os.devnull, "PATH": os.environ["PATH"]}
    ran = subprocess.run(
        [sys.executable, "manage.py", "extensions"],
        env=given | {"OLLAMA_MODEL": "qwen3", "SECRET_KEY": "x" * 50, "PROVIDER_ORDER": "ollama,anthropic"},
        capture_output=True,
        text=True,
        cwd=configured.BASE_DIR,
        timeout=60,
        check=False,
    )
    told = [f"✅ {sort} {name}" for sort, name in documented()]
    assert (sorted(ran.stdout.split("\n")), ran.returncode) == (sorted(["", *told]), 0), ran.stderr
    assert len(told) == 10


def test_address_is_proven_to_who_knows_the_word_and_to_nobody_else(whatsapp: Channel) -> None:
    asked = {"hub.mode": "subscribe", "hub.challenge": "31415"}
    knows = Client().get(URL, {**asked, "hub.verify_token": "typed at Meta"})
    assert (knows.status_code, knows.content) == (200, b"31415")
    assert Client().get(URL, {**asked, "hub.verify_token": "guessed"}).status_code == 403
    assert Client().get("/webhooks/telegram2/wa/").status_code == 404
    assert Client().get("/webhooks/whatsapp/nobody/", asked).status_code == 404
    assert post(body(message("a", "Hi")), url="/webhooks/web/wa/") == 404


def test_what_is_signed_is_stored_once_divided_and_answered_by_the_service(
    whatsapp: Channel, sim: Simulator, service: LookAlike
) -> None:
    receipt = {"id": "wamid.x", "status": "delivered", "recipient_id": "4911"}
    raw = body(message("a", "Hi"), message("b", "Oi", who="4922"), statuses=(receipt,))
    assert post(raw, secret="guessed") == 403
    assert Update.objects.count() == 0
    assert [post(raw), post(raw)] == [200, 200]
    assert sorted(Update.objects.values_list("key", flat=True)) == ["a", "b", "wamid.x:delivered"]
    way.dispatch()
    assert Update.objects.filter(state=Update.State.QUARANTINED).count() == 0
    way.answer()
    assert sorted(each["to"] for each in sent(service)) == ["4911", "4922"]
    assert set(Delivery.objects.values_list("state", "external_id")) == {("sent", "wamid.out")}
    assert Message.objects.get(text="Hi").conversation.contact.name == "Ana"  # type: ignore[union-attr]
    assert post(b"no JSON at all") == 200
    way.dispatch()
    assert Update.objects.filter(state=Update.State.QUARANTINED).count() == 1


def test_messages_of_one_body_have_their_own_traces_under_the_callers_id(
    whatsapp: Channel, sim: Simulator, service: LookAlike
) -> None:
    both = {"X-Trace-Id": "of-the-call", "X-Correlation-ID": "of-the-caller"}
    assert post(body(message("a", "Hi")), **both) == 200
    assert post(body(message("b", "Oi"), message("c", "Oi", who="4922")), **both) == 200
    traces = dict(Update.objects.values_list("key", "trace_id"))
    assert (traces["a"], len(set(traces.values()))) == ("of-the-call", 3)
    assert set(Update.objects.values_list("correlation_id", flat=True)) == {"of-the-caller"}
    assert post(body(message("d", "Hi"), message("e", "Hi")), **{"X-Trace-Id": "of-both"}) == 200
    assert Update.objects.filter(correlation_id="of-both").count() == 2
    assert explain("of-both").rows["update"] == Update.objects.get(key="e").pk


def test_in_a_group_only_who_calls_the_bot_is_answered(
    whatsapp: Channel, sim: Simulator, service: LookAlike
) -> None:
    post(body(message("a", "among us", group_id="G7"), message("b", "@shop, are you open?", group_id="G7")))
    way.dispatch()
    way.answer()
    assert [each["to"] for each in sent(service)] == ["G7"]


def test_too_often_pauses_all_for_as_long_as_it_says_and_nothing_is_lost(
    whatsapp: Channel, sim: Simulator, service: LookAlike
) -> None:
    post(body(message("a", "Hi"), message("b", "Oi", who="4922")))
    way.dispatch()
    service.manner = TOO_OFTEN
    way.answer()
    assert len(sent(service)) == 1
    [paused] = limits.limiter().snapshot(["whatsapp:55"])
    assert WAIT_S - 3 < paused.paused_s <= WAIT_S
    assert set(Delivery.objects.values_list("state", flat=True)) == {"pending"}


def test_receipt_of_what_never_arrived_fails_the_delivery_for_an_operator_to_see(
    whatsapp: Channel, sim: Simulator, service: LookAlike
) -> None:
    post(body(message("a", "Hi")))
    way.dispatch()
    way.answer()
    bad = {"status": "failed", "recipient_id": "4911", "errors": [{"title": "Message undeliverable"}]}
    post(body(statuses=({"id": "of somebody else", **bad}, {"id": "wamid.out", **bad})))
    way.dispatch()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.reason) == ("failed", "Message undeliverable")
    assert DeadLetter.objects.count() == 1
    post(body(statuses=({"id": "wamid.out", **bad, "status": "read"},)))
    way.dispatch()
    assert Delivery.objects.get().state == "failed"


def test_picture_is_fetched_from_where_the_service_says(
    whatsapp: Channel, sim: Simulator, service: LookAlike
) -> None:
    picture = photo()
    service.places["/M1"] = Manner(200, json.dumps({"url": f"{service.url}/cdn/M1?sig=1"}).encode())
    service.places["/cdn/M1"] = Manner(200, picture)
    post(body(PICTURE))
    way.dispatch()
    way.answer()
    row = Attachment.objects.get()
    assert (row.kind, row.size, row.message.text) == ("photo", len(picture), "this one?")
    assert len(sent(service)) == 1


def test_picture_that_does_not_come_is_waited_for_until_its_own_service_is_back(
    whatsapp: Channel, sim: Simulator, service: LookAlike
) -> None:
    service.places["/M1"] = Manner(500)
    post(body(PICTURE))
    way.dispatch()
    way.answer()
    assert Turn.objects.get().reason.startswith("whatsapp: ")
    assert sent(service) == []


def test_provider_beside_answers_in_its_place_and_is_charged(
    telegram: Channel, sim: Simulator, bus: Any, beside: None, service: LookAlike, settings: Settings
) -> None:
    settings.PROVIDER_ORDER = ["ollama", "anthropic"]
    settings.OLLAMA_API_KEY, settings.OLLAMA_BASE_URL, settings.OLLAMA_MODEL = "none", service.url, "qwen3"
    settings.PROVIDER_TOTAL_TIMEOUT_S = settings.PROVIDER_TOTAL_TIMEOUT_S | {"ollama": 5.0}
    said = {"message": {"content": "From this machine."}, "done_reason": "stop", "prompt_eval_count": 7}
    service.manner = Manner(200, json.dumps(said | {"eval_count": 2}).encode())
    way.say(sim, "Who are you?")
    way.all_the_way(telegram)
    assert sim.telegram.answers(way.ANA) == ["From this machine."]
    charged = Usage.objects.values_list("provider", "model", "input_tokens", "output_tokens")
    assert list(charged) == [("ollama", "qwen3", 7, 2)]
    service.manner = Manner(500)
    way.say(sim, "And now?")
    way.all_the_way(telegram)
    assert [row.provider for row in Usage.objects.order_by("pk")][-1] == "anthropic"


def test_tool_beside_asks_the_outside(
    telegram: Channel,
    sim: Simulator,
    bus: Any,
    beside: None,
    service: LookAlike,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RATES_BASE_URL", service.url)
    service.manner = Manner(200, b'{"rates": {"BRL": 6.1}}')
    make.make_grant(tenant=telegram.tenant, tool="exchange_rate")
    seen = script(sim, wants("exchange_rate", of="EUR", to="BRL"), Answer("6.1"), Answer("…"))
    talk(telegram, sim, "How much is a euro?")
    assert ToolCall.objects.get().result == {"rate": 6.1}
    assert [path for _, path, _ in service.heard] == ["/latest?from=EUR"]
    assert len(seen) == 2


def test_counter_of_a_file_beside_is_added_up_and_shown_and_one_of_an_older_version_is_not() -> None:
    asked = metrics.counter("shop_rates_total", "Rates that were asked for.", "of")
    try:
        key = asked.labels(of="EUR")._value.key
    finally:
        del metrics.CATALOGUE["shop_rates_total"]
        del metrics.SHEET.values[-1]
    [rates] = [each for each in families({key: 3.0}) if each.name == "shop_rates"]
    assert [(each.name, each.labels, each.value) for each in rates.samples] == [
        ("shop_rates_total", {"of": "EUR"}, 3.0)
    ]
    assert not [each for each in families({key.replace("shop_", "khronos_"): 3.0}) if "rates" in each.name]


def test_tool_beside_that_changes_something_waits_for_a_yes_and_is_done_once(
    telegram: Channel,
    sim: Simulator,
    bus: Any,
    beside: None,
    service: LookAlike,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TABLES_BASE_URL", service.url)
    make.make_grant(tenant=telegram.tenant, tool="book_table")
    script(sim, wants("book_table", day="2027-01-02", guests=4), Answer("Booked."), Answer("…"))
    talk(telegram, sim, "A table for four, please")
    assert "Book a table for 4 on 2027-01-02?" in sim.telegram.answers(way.ANA)[-1]
    assert service.heard == []
    talk(telegram, sim, "yes", "yes")
    assert [json.loads(raw)["guests"] for _, path, raw in service.heard] == [4]
    assert ToolCall.objects.get().state == ToolCall.State.DONE


def test_transcriber_and_embedder_beside_are_those_that_the_settings_name(
    db: None, bus: Any, beside: None, service: LookAlike, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DEEPGRAM", "COHERE"):
        monkeypatch.setenv(f"{name}_BASE_URL", service.url)
    monkeypatch.setenv("TRANSCRIBER_API_KEY", "dg-key-of-a-test")
    monkeypatch.setenv("TRANSCRIBER_MODEL", "nova-3")
    monkeypatch.setenv("COHERE_API_KEY", "co-key-of-a-test")
    monkeypatch.setenv("EMBEDDINGS_MODEL", "embed-v4.0")
    settings.TRANSCRIBER, settings.EMBEDDINGS, settings.EMBEDDINGS_MODEL = "deepgram", "cohere", "embed-v4.0"
    heard = {"results": {"channels": [{"alternatives": [{"transcript": "bom dia"}]}]}}
    service.manner = Manner(200, json.dumps(heard).encode())
    scribe = transcribing.transcriber()
    assert scribe is not None
    assert scribe.transcribe(Recording(b"OggS", "sound.ogg", "audio/ogg")) == "bom dia"
    rows = [[0.0] * 63 + [3.0], [4.0] + [0.0] * 63]
    service.manner = Manner(200, json.dumps({"embeddings": {"float": rows}}).encode())
    vectors = chosen.embedder().embed(["a", "b"], patience_s=5.0)
    assert np.allclose(vectors, np.array(rows) / [[3.0], [4.0]])
    assert chosen.embedder().name == "cohere:embed-v4.0"


def test_alert_is_told_by_the_means_beside_though_another_is_broken(
    beside: None, service: LookAlike, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    news = News("disk", "error", "The disk is full", "The disk is full: 1 MB left")
    with pytest.raises(means.Nobody):
        means.by_fallback(news)
    monkeypatch.setenv("NTFY_TOPIC", "ops")
    monkeypatch.setenv("NTFY_BASE_URL", service.url)
    broken = put(tmp_path, "alerts", "broken", "def tell(news):\n    raise KeyError('a bug')\n")
    settings.EXTENSIONS["alerts"] = {"broken": broken} | settings.EXTENSIONS["alerts"]
    assert means.by_fallback(news) == "ntfy"
    [(_, _, raw)] = service.heard
    assert json.loads(raw) == {"topic": "ops", "title": "The disk is full", "message": news.text}


def test_check_beside_says_what_it_saw(
    beside: None, service: LookAlike, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = extensions.one_of("checks", "erp", Look, "")
    with pytest.raises(Misconfigured, match=r"ERP_BASE_URL is not set.\n  Fix: put ERP_BASE_URL=… into .env"):
        look.ask()
    monkeypatch.setenv("ERP_BASE_URL", service.url)
    service.manner = Manner(200, b'{"version": "4.2"}')
    assert look.ask() == "version 4.2"
    service.manner = Manner(500)
    with pytest.raises(Amiss, match="the ERP does not answer"):
        look.ask()


def test_kind_that_fails_at_the_door_has_nothing_sent_again_for_ever(
    whatsapp: Channel, settings: Settings, tmp_path: Path
) -> None:
    code = documented()["channels", "whatsapp"]
    broken = code.replace("return unknown(raw)", "raise").replace("return [raw]", "raise")
    settings.EXTENSIONS["channels"]["whatsapp"] = put(tmp_path, "channels", "whatsapp", broken)
    forget()
    assert kinds.kind_of("whatsapp").is_from(Call(b"", {}, {}), "x") is False  # type: ignore[attr-defined]
    assert [post(b"[]"), post(b"[]")] == [200, 200]
    assert Update.objects.count() == 1
    dispatching.dispatch([Update.objects.get().pk])
    assert Update.objects.get().state == Update.State.QUARANTINED


def test_admin_offers_the_kind_beside_and_wants_what_it_asks_for(whatsapp: Channel, client: Client) -> None:
    client.force_login(make.make_user())
    add = reverse("admin:khronos_channel_add")
    said = form(whatsapp, slug="wa-2", secret="hush", options="")
    assert (
        "This kind asks for phone_id (the id of the phone number)" in client.post(add, said).content.decode()
    )
    refused = client.post(add, said | {"options": "[1]"}).content.decode()
    assert "An object, such as" in refused
    assert Channel.objects.count() == 1
    assert client.post(add, said | {"options": '{"phone_id": "7", "verify_token": "x"}'}).status_code == 302
    assert Channel.objects.get(slug="wa-2").options == {"phone_id": "7", "verify_token": "x"}
    site = form(whatsapp, slug="site", kind="web", secret="hush", options="")
    assert client.post(add, site).status_code == 302
    assert Channel.objects.get(slug="site").options == {}
