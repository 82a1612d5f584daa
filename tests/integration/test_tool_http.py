"""HTTP services as tools: what they are sent, what they may answer, and where they must not be."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

import khronos.urls
from bench.simulator import Simulator
from bench.simulator.models.prompt import Answer
from khronos.agents.tools.base import Unfit
from khronos.agents.tools.http import address, flaws_of_address
from khronos.agents.tools.schema import complaint, flaw
from khronos.exceptions import Unauthorized
from khronos.models import Alert, Channel, HttpTool, ToolCall, ToolGrant
from tests import factories as make
from tests.integration import way
from tests.integration.test_tools import fresh, script, states, talk, wants

__all__ = ["fresh"]
pytestmark = pytest.mark.usefixtures("bus")
assert khronos.urls.urlpatterns
State = ToolCall.State
TAKES = {"properties": {"number": {"type": ["string", "integer"]}}, "required": ["number"]}


class Service:
    """An ERP of somebody's, and what it got."""

    def __init__(self) -> None:
        self.got: list[tuple[str, str, dict[str, str], bytes]] = []
        self.status, self.body = 200, b'{"state": "shipped"}'
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"] or 0))
                service.got.append((self.command, self.path, dict(self.headers), body))
                self.send_response(service.status)
                if service.status == 302:
                    self.send_header("Location", "http://10.0.0.1/inner")
                self.send_header("Content-Length", str(len(service.body)))
                self.end_headers()
                self.wfile.write(service.body)

            do_POST = do_GET

            def log_message(self, *args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"


@pytest.fixture
def service(settings: Settings) -> Iterator[Service]:
    settings.TOOL_PRIVATE_NETWORKS = ["127.0.0.0/8"]
    made = Service()
    thread = threading.Thread(target=made.http.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.http.shutdown()
    made.http.server_close()
    thread.join()


def erp(telegram: Channel, service: Service, **given: Any) -> HttpTool:
    defaults = {"name": "erp", "url": f"{service.url}/orders/{{number}}?for={{turn_contact}}", "takes": TAKES}
    made = make.make_http_tool(tenant=telegram.tenant, side_effects=False, **defaults | given)
    make.make_grant(tenant=telegram.tenant, tool="erp")
    return made


def test_service_is_told_for_whom_it_is_asked_and_with_its_key(
    telegram: Channel, sim: Simulator, service: Service
) -> None:
    row = erp(telegram, service, headers="Authorization: Bearer key-of-a-test")
    assert "key-of-a-test" not in row.sealed_headers
    seen = script(sim, wants("erp", number="7/../8?x=&"), Answer("It is shipped."))
    talk(telegram, sim, "Where is it?")
    [(method, path, headers, body)] = service.got
    assert (method, path, body) == ("GET", f"/orders/7%2F..%2F8%3Fx%3D%26?for={way.ANA}", b"")
    assert headers["Authorization"] == "Bearer key-of-a-test"
    assert headers["Idempotency-Key"] == f"khronos-tool-{ToolCall.objects.get().pk}"
    assert "shipped" in seen[1].results[0]


def test_arguments_of_a_change_are_its_body(telegram: Channel, sim: Simulator, service: Service) -> None:
    erp(telegram, service, method="POST", url=f"{service.url}/orders")
    script(sim, wants("erp", number=7), Answer("Done."))
    talk(telegram, sim, "Order it")
    assert (service.got[0][0], json.loads(service.got[0][3])) == ("POST", {"number": 7})


@pytest.mark.parametrize("number", ["..", ".", "", " "])
def test_argument_climbs_nowhere(telegram: Channel, sim: Simulator, service: Service, number: str) -> None:
    erp(telegram, service)
    script(sim, wants("erp", number=number), Answer("No."))
    talk(telegram, sim, "Where is it?")
    assert service.got == []
    assert states() == [State.FAILED]


@pytest.mark.parametrize(
    ("status", "body", "side_effects", "state"),
    [
        (404, b"no such order", False, State.FAILED),
        (500, b"", False, State.FAILED),
        (500, b"", True, State.UNKNOWN),
        (401, b"", False, State.FAILED),
        (200, b"<html>", False, State.FAILED),
        (200, b"<html>", True, State.UNKNOWN),
        (200, b'{"other": 1}', False, State.FAILED),
        (200, b'{"other": 1}', True, State.UNKNOWN),
        (200, b"[" + b"1," * 200_000 + b"1]", False, State.FAILED),
        (302, b"", False, State.FAILED),
    ],
)
def test_trouble_of_a_service_is_a_word_to_the_model(
    telegram: Channel,
    sim: Simulator,
    service: Service,
    status: int,
    body: bytes,
    side_effects: bool,
    state: str,
) -> None:
    row = erp(telegram, service, gives={"type": "object", "required": ["state"]})
    HttpTool.objects.filter(pk=row.pk).update(side_effects=side_effects)
    service.status, service.body = status, body
    seen = script(sim, wants("erp", number=7), Answer("I cannot tell."))
    talk(telegram, sim, "Where is it?")
    assert states() == [state]
    assert "error" in seen[1].results[0]
    assert len(service.got) == 1
    assert Alert.objects.filter(name="tool.erp.unauthorized").exists() is (status == 401)


def test_private_address_is_no_service(telegram: Channel, sim: Simulator, service: Service) -> None:
    erp(telegram, service, url="http://10.0.0.1/{number}")
    script(sim, wants("erp", number=7), Answer("No."))
    talk(telegram, sim, "Where is it?")
    assert "private address" in ToolCall.objects.get().error


def test_same_question_is_answered_from_memory_for_the_same_person_only(
    telegram: Channel, sim: Simulator, service: Service
) -> None:
    erp(telegram, service, is_cacheable=True)
    script(sim, *[wants("erp", number=7), Answer("Shipped.")] * 3)
    talk(telegram, sim, "Where is it?")
    talk(telegram, sim, "And now?")
    assert len(service.got) == 1
    assert list(ToolCall.objects.order_by("pk").values_list("was_remembered", flat=True)) == [False, True]
    way.say(sim, "Mine?", chat=8)
    way.all_the_way(telegram)
    assert len(service.got) == 2


def test_tool_is_called_no_more_often_than_it_may(
    telegram: Channel, sim: Simulator, service: Service
) -> None:
    erp(telegram, service, per_minute=1)
    script(sim, wants("erp", number=7), wants("erp", number=8), Answer("One."))
    talk(telegram, sim, "Both?")
    assert states() == [State.DONE, State.REFUSED]
    assert len(service.got) == 1


def test_service_that_fails_is_left_alone_by_its_own_breaker(
    telegram: Channel, sim: Simulator, service: Service, settings: Settings
) -> None:
    erp(telegram, service)
    service.status = 500
    settings.TOOL_ROUNDS_MAX = 8
    script(sim, *[wants("erp", number=n) for n in range(7)], Answer("Out of order."))
    talk(telegram, sim, "All of them?")
    assert len(service.got) == 5
    assert "out of order" in ToolCall.objects.order_by("pk").last().error  # type: ignore[union-attr]


def test_key_that_cannot_be_opened_is_not_sent(
    telegram: Channel, sim: Simulator, service: Service, settings: Settings
) -> None:
    row = erp(telegram, service, headers="X-Key: k")
    settings.SECRET_KEY = "another"
    with pytest.raises(Unauthorized, match="another SECRET_KEY"):
        row.headers  # noqa: B018
    settings.SECRET_KEY_FALLBACKS = ["another-one"]
    script(sim, wants("erp", number=7), Answer("No."))
    talk(telegram, sim, "Where is it?")
    assert service.got == []
    assert states() == [State.FAILED]


def test_argument_is_missing_where_the_address_needs_it() -> None:
    with pytest.raises(Unfit, match="number is missing"):
        address("http://erp.example/{number}", {}, {})


@pytest.mark.parametrize(
    ("url", "names", "field"),
    [
        ("http://{host}/", ["host"], "url"),
        ("http://erp.example/{other}", ["number"], "url"),
        ("http://erp.example/{turn_secret}", [], "url"),
        ("ftp://erp.example/", [], "url"),
        ("http://erp.example/", ["turn_contact"], "takes"),
    ],
)
def test_address_that_could_be_bent_is_not_accepted(url: str, names: list[str], field: str) -> None:
    takes = {"properties": {name: {"type": "string"} for name in names}}
    assert field in [name for name, _why in flaws_of_address(url, takes)]


def test_schema_is_never_fetched(service: Service) -> None:
    outside = {"$ref": f"{service.url}/schema.json"}
    assert "somewhere else" in flaw(outside)
    assert "cannot be followed" in complaint(outside, {})
    assert service.got == []


def test_headers_of_the_admin_go_in_and_never_come_out(client: Client, telegram: Channel) -> None:
    client.force_login(make.make_user())
    given = {
        "tenant": telegram.tenant.pk,
        "name": "erp",
        "description": "Orders",
        "method": "GET",
        "url": "https://erp.example/{number}",
        "headers": "Authorization: Bearer key-of-a-test",
        "takes": json.dumps(TAKES),
        "gives": "{}",
        "timeout_s": "5",
        "per_minute": "60",
    }
    add = reverse("admin:khronos_httptool_add")
    assert client.post(add, given | {"url": "https://{number}/"}).status_code == 200
    assert HttpTool.objects.count() == 0
    assert client.post(add, given).status_code == 302
    row = HttpTool.objects.get()
    assert row.headers == "Authorization: Bearer key-of-a-test"
    page = reverse("admin:khronos_httptool_change", args=[row.pk])
    assert b"key-of-a-test" not in client.get(page).content
    assert client.post(page, given | {"headers": ""}).status_code == 302
    row.refresh_from_db()
    assert row.headers == "Authorization: Bearer key-of-a-test"
    grant = {"tenant": telegram.tenant.pk, "channel": "", "confirmation": "", "is_active": "on", "note": ""}
    other = make.make_tenant()
    add = reverse("admin:khronos_toolgrant_add")
    assert client.post(add, grant | {"tool": "erp", "tenant": other.pk}).status_code == 200
    assert ToolGrant.objects.count() == 0
    assert client.post(add, grant | {"tool": "erp"}).status_code == 302
    assert ToolGrant.objects.get().tool == "erp"


def test_example_shop_comes_and_goes_by_one_command(telegram: Channel) -> None:
    slug = telegram.tenant.slug
    mine = make.make_product(tenant=telegram.tenant)
    assert "12 products" in way.run("shop", "example", "add", "--tenant", slug)
    said = way.run("shop", "example", "add", "--tenant", slug)
    assert "12 products, 3 customers, 3 orders, 7 grants" in said
    assert "is gone" in way.run("shop", "example", "remove", "--tenant", slug)
    assert ToolGrant.objects.count() == 0
    assert list(type(mine).objects.all()) == [mine]
