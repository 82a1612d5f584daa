"""The operator's pages: every one opens, none asks the database once a row, none shows a secret."""

import re
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

import khronos.urls  # registers the screens
from khronos.conversation import pausing
from khronos.desk.admin import growing
from khronos.desk.admin.paginator import BoundedPaginator
from khronos.models import (
    Agent,
    Alert,
    Attachment,
    BackupCheck,
    CannedAnswer,
    Channel,
    Contact,
    Conversation,
    Customer,
    DeadLetter,
    Delivery,
    Event,
    HealthCheck,
    HttpTool,
    Lease,
    Message,
    Order,
    Pause,
    Product,
    Quarantined,
    Queue,
    Remark,
    Tenant,
    ToolCall,
    ToolGrant,
    Turn,
    Update,
    Usage,
)
from tests import factories as make
from tests.fixtures.desk import seed

assert khronos.urls.urlpatterns
NOUNS = sorted(admin.site._registry, key=lambda model: model._meta.label)
MAKERS: dict[type[Model], Any] = {
    Agent: make.make_agent,
    Alert: make.make_alert,
    Attachment: lambda: make.make_attachment(raw=b"not a picture"),
    BackupCheck: make.make_backup_check,
    Channel: make.make_channel,
    Contact: make.make_contact,
    Conversation: make.make_conversation,
    DeadLetter: make.make_dead_letter,
    Delivery: make.make_delivery,
    Event: lambda: make.make_event(conversation=make.make_conversation()),
    HealthCheck: make.make_check,
    Lease: make.make_lease,
    Message: lambda: make.make_message(turn=make.make_turn()),
    Pause: lambda: pausing.pause(make.make_conversation(), "olga"),
    Quarantined: lambda: make.make_update(state=Update.State.QUARANTINED),
    Customer: lambda: make.make_order().customer,
    HttpTool: make.make_http_tool,
    Order: make.make_order,
    Product: make.make_product,
    CannedAnswer: make.make_canned_answer,
    Queue: make.make_queue,
    Remark: make.make_remark,
    ToolCall: make.make_tool_call,
    ToolGrant: make.make_grant,
    Tenant: make.make_tenant,
    Turn: make.make_turn,
    Update: make.make_update,
    Usage: make.make_usage,
    User: make.make_user,
}


def list_of(model: type[Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def page_of(row: Model) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def act(client: Client, name: str, row: Model, **more: str) -> str:
    """Press a button on the row's page; answers the page that follows."""
    data = {"action": name, "_selected_action": str(row.pk), "index": "0", "next": page_of(row)}
    response = client.post(list_of(type(row)), data | more, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


def staff(*permissions: str) -> User:
    user = make.make_user(is_superuser=False)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


@pytest.mark.parametrize("model", NOUNS, ids=lambda model: model._meta.model_name)
def test_every_list_and_every_row_opens(operator: Client, model: type[Model]) -> None:
    seed()
    assert operator.get(list_of(model)).status_code == 200
    for row in model._default_manager.all()[:40]:
        assert operator.get(page_of(row)).status_code == 200


@pytest.mark.parametrize(
    "noun", ["tenant", "agent", "channel", "queue", "document", "toolgrant", "httptool", "product"]
)
def test_what_an_operator_may_add_has_a_form(operator: Client, noun: str) -> None:
    assert operator.get(reverse(f"admin:khronos_{noun}_add")).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/admin/search/?s=conv",
        "/admin/password_change/",
        "/admin/khronos/",
        "/admin/auth/user/add/",
        "/admin/django_celery_beat/periodictask/add/",
        "/admin/django_celery_beat/crontabschedule/add/",
    ],
)
def test_the_pages_around_open(operator: Client, path: str) -> None:
    assert operator.get(path).status_code == 200


@pytest.mark.parametrize("model", MAKERS, ids=lambda model: model._meta.model_name)
def test_a_list_asks_as_often_for_many_rows_as_for_few(operator: Client, model: type[Model]) -> None:
    MAKERS[model]()
    MAKERS[model]()
    few = queries(operator, list_of(model))
    for _ in range(8):
        MAKERS[model]()
    assert queries(operator, list_of(model)) == few


@pytest.mark.parametrize("model", [Message, Turn, Delivery, Event, Update, Quarantined])
def test_a_list_never_reads_a_whole_table(operator: Client, model: type[Model]) -> None:
    """These have millions of rows: their choices are known, their counts bounded, their ends looked up."""
    MAKERS[model]()
    with CaptureQueriesContext(connection) as captured:
        operator.get(list_of(model), {"since": "24h"})
    for query in captured:
        assert not re.search(r"SELECT DISTINCT|MIN\(|MAX\(", query["sql"])
        assert "LIMIT" in query["sql"] or "COUNT(" not in query["sql"]


@pytest.mark.parametrize("model", MAKERS, ids=lambda model: model._meta.model_name)
def test_every_list_can_be_searched(operator: Client, model: type[Model]) -> None:
    for term in ("1005", "ana", "0a" * 16, "ef2c9527-1d97-525b-abe2-8a1299ee9b0e", "x" * 36, '"'):
        assert operator.get(list_of(model), {"q": term}).status_code == 200


def test_filters_keep_what_they_say(operator: Client) -> None:
    old = make.make_turn(state=Turn.State.BURIED, reason="too old")
    Turn.objects.filter(pk=old.pk).update(created_at="2020-01-01T00:00:00Z")
    new = make.make_turn(reason="quite new")
    for query in ("since=24h", "undone=1", "state__exact=waiting"):
        page = operator.get(f"{list_of(Turn)}?{query}").content.decode()
        assert f'href="{page_of(new)}' in page
        assert f'href="{page_of(old)}' not in page


def test_since_finds_its_floor_among_many_rows(operator: Client) -> None:
    talk = make.make_conversation()
    Message.objects.bulk_create(
        [Message(conversation=talk, author=Message.Author.CONTACT, text=str(n)) for n in range(3000)]
    )
    first = Message.objects.order_by("pk")[2500]
    Message.objects.filter(pk__lt=first.pk).update(created_at="2020-01-01T00:00:00Z")
    page = operator.get(f"{list_of(Message)}?since=1h").content.decode()
    assert "500 messages" in " ".join(page.split())


def test_nobody_counts_beyond_what_anybody_pages_to(
    operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BoundedPaginator, "most", 3)
    for _ in range(5):
        make.make_lease()
    with CaptureQueriesContext(connection) as captured:
        page = operator.get(list_of(Lease)).content.decode()
    assert "more than 3" in page
    counts = [query["sql"] for query in captured if "COUNT(" in query["sql"]]
    assert len(counts) == 1
    assert "LIMIT 4" in counts[0]


def test_the_first_page_counts_what_needs_a_person(operator: Client) -> None:
    assert "Nothing needs a person." in operator.get("/admin/").content.decode()
    seed()
    page = operator.get("/admin/").content.decode()
    assert "What is marked red needs a person." in page
    found = re.findall(r'class="kh-number kh-(\w+)" href="([^"]+)".*?kh-value">([^<]+)<', page, re.DOTALL)
    assert [(tone, value) for tone, _url, value in found if tone == "danger"] == [
        ("danger", "1"),
        ("danger", "5"),
        ("danger", "3"),
        ("danger", "3"),
        ("danger", "1"),
    ]
    for _tone, url, _value in found:
        assert operator.get(url.replace("&amp;", "&")).status_code == 200


def test_the_first_page_is_cheap(operator: Client) -> None:
    seed()
    assert queries(operator, "/admin/") < 16


def test_strangers_see_nothing(client: Client, db: None) -> None:
    assert client.get(list_of(Turn)).status_code == 302
    client.force_login(staff())
    assert client.get(list_of(Turn)).status_code == 403
    assert 'class="kh-number ' not in client.get("/admin/").content.decode()


def test_who_may_only_look_can_repair_nothing(client: Client, db: None) -> None:
    delivery = make.make_delivery(state=Delivery.State.FAILED)
    client.force_login(staff("view_delivery", "view_conversation"))
    for row in (delivery, delivery.conversation):
        assert "send_again" not in client.get(page_of(row)).content.decode()
    act(client, "send_again", delivery)
    delivery.refresh_from_db()
    assert delivery.state == Delivery.State.FAILED
    client.force_login(staff("view_delivery", "change_delivery"))
    assert "send_again" in client.get(page_of(delivery)).content.decode()
    act(client, "send_again", delivery)
    delivery.refresh_from_db()
    assert delivery.state == Delivery.State.PENDING


def test_records_cannot_be_written_or_deleted(operator: Client) -> None:
    for row in (make.make_update(), make.make_event(), make.make_message(), make.make_turn()):
        add = reverse(f"admin:khronos_{row._meta.model_name}_add")
        delete = reverse(f"admin:khronos_{row._meta.model_name}_delete", args=[row.pk])
        assert operator.get(add).status_code == 403
        assert operator.post(delete, {"post": "yes"}).status_code == 403
        assert operator.post(page_of(row), {"text": "changed"}).status_code == 403


def test_a_repair_is_kept_in_the_history_of_its_row(operator: Client) -> None:
    turn = make.make_turn(state=Turn.State.BURIED)
    act(operator, "answer_again", turn)
    entry = LogEntry.objects.get()
    assert (entry.user.username, entry.object_id) == ("olga", str(turn.pk))


def test_a_button_leads_back_to_its_page_and_nowhere_else(operator: Client) -> None:
    turn = make.make_turn()
    data = {"action": "ring_again", "_selected_action": str(turn.pk), "index": "0"}
    assert operator.post(list_of(Turn), data | {"next": page_of(turn)}).headers["Location"] == page_of(turn)
    away = operator.post(list_of(Turn), data | {"next": "https://example.org/"})
    assert away.headers["Location"] == list_of(Turn)


def test_an_odd_update_is_shown_and_can_be_tried_again(operator: Client) -> None:
    seed()
    for row in Quarantined.objects.all():
        page = operator.get(page_of(row)).content.decode()
        assert "<script>alert(1)" not in page
    row = Quarantined.objects.get(reason="unknown kind")
    assert "&quot;question&quot;: &quot;Pão?&quot;" in operator.get(page_of(row)).content.decode()
    data = {"action": "read_again", "_selected_action": str(row.pk), "index": "0"}
    operator.post(list_of(Quarantined), data)
    update = Update.objects.get(pk=row.pk)
    assert (update.state, update.reason) == (Update.State.RECEIVED, "")


def test_a_megabyte_is_shown_in_part(operator: Client) -> None:
    row = make.make_update(raw=b'{"text": "' + b"x" * 900_000 + b'"}', state=Update.State.QUARANTINED)
    assert len(operator.get(page_of(row)).content) < 200_000


def test_a_replay_tells_what_it_did_and_happens_once(operator: Client) -> None:
    turn = make.make_turn(state=Turn.State.BURIED)
    letter = make.make_dead_letter(source=DeadLetter.Source.TURN, name="turn", key=str(turn.pk))
    assert f"Turn {turn.pk} is due now." in act(operator, "replay", letter)
    assert "It was replayed before." in act(operator, "replay", letter)


def test_the_language_can_be_switched(operator: Client) -> None:
    assert "Open conversations" in operator.get("/admin/").content.decode()
    operator.post(reverse("admin:language"), {"language": "pt-br", "next": "/admin/"})
    page = operator.get("/admin/").content.decode()
    assert "Conversas abertas" in page
    assert "Atendimento" in page


def test_signing_in_leads_to_the_first_page(client: Client, db: None) -> None:
    make.make_user(username="rita", password="password-of-rita")
    response = client.post("/admin/login/", {"username": "rita", "password": "password-of-rita"})
    assert response.headers["Location"] == "/admin/"


def test_words_are_searched_for_in_the_newest_rows_and_in_what_a_filter_names(
    operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growing, "SEARCHED", 2)
    talk = make.make_conversation()
    old, *newer = [make.make_message(conversation=talk, text=f"bread {n}") for n in range(3)]
    asked = {
        "q=bread": False,
        "q=bread&since=1h": True,
        f"q=bread&conversation__id__exact={talk.pk}": True,
        f"q={talk.pk}": True,
    }
    for query, finds_old in asked.items():
        page = operator.get(f"{list_of(Message)}?{query}").content.decode()
        assert (f'href="{page_of(old)}' in page) == finds_old
        assert all(f'href="{page_of(row)}' in page for row in newer)


@pytest.mark.parametrize("model", [Message, Turn, Delivery, Event, Usage])
def test_a_growing_table_is_sorted_by_its_number_unless_it_is_narrowed(
    operator: Client, model: type[Model]
) -> None:
    MAKERS[model]()
    whole = operator.get(list_of(model)).context["cl"].sortable_by
    narrowed = operator.get(list_of(model), {"since": "24h"}).context["cl"].sortable_by
    orders = {getattr(admin.site.get_model_admin(model), name).admin_order_field for name in whole}
    assert orders == {"pk"}
    assert set(whole) < set(narrowed)
