"""What operators see of the assistant's mind: facts, sources, the summary; and what they may erase."""

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from khronos.agents import memory
from khronos.desk.admin.columns import page_of
from khronos.models import ContactFact, Document, Message, Summary
from tests import factories as make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bus")]


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(make.make_user())
    return client


def test_facts_of_a_contact_are_seen_and_erased_and_the_history_does_not_keep_them(operator: Client) -> None:
    contact = make.make_contact()
    said = make.make_message(text="I like tea")
    fact = memory.remember(contact, "Likes green tea", said)
    kept = memory.remember(contact, "Has a dog", None)
    page = page_of(type(contact), contact.pk)
    shown = operator.get(page).content.decode()
    assert "Likes green tea" in shown
    assert page_of(Message, said.pk) in shown
    form = {
        "name": contact.name,
        "username": "",
        "language": "",
        "facts-TOTAL_FORMS": "2",
        "facts-INITIAL_FORMS": "2",
        "facts-0-id": str(fact.pk),
        "facts-0-contact": str(contact.pk),
        "facts-0-DELETE": "on",
        "facts-1-id": str(kept.pk),
        "facts-1-contact": str(contact.pk),
    }
    assert operator.post(page, form).status_code == 302
    assert list(ContactFact.objects.values_list("text", flat=True)) == ["Has a dog"]
    told = LogEntry.objects.get().get_change_message()
    assert "remembered fact" in told
    assert "tea" not in told


def test_sources_of_an_answer_are_listed(operator: Client) -> None:
    document = Document.objects.create(tenant=make.make_tenant(), title="Shop", source="shop.md", due_at=None)
    given = {"document": document.pk, "chunk": 1}
    sources = [
        {"title": "Shop › Returns", "cited": True, **given},
        {"title": "Gone › Old", "cited": False, **given, "document": document.pk + 1},
    ]
    answer = make.make_message(author=Message.Author.BOT, text="Thirty days.", sources=sources)
    page = operator.get(page_of(Message, answer.pk)).content.decode()
    assert f'href="{page_of(Document, document.pk)}"' in page
    assert "Gone › Old" in page
    talk = operator.get(page_of(type(answer.conversation), answer.conversation_id)).content.decode()
    assert "Shop › Returns" in talk
    assert "Gone › Old" not in talk
    nothing = make.make_message(author=Message.Author.BOT, text="I do not know.", sources=[])
    assert "Nothing in the documents fits." in operator.get(page_of(Message, nothing.pk)).content.decode()


def test_summary_stands_on_the_page_of_its_conversation(operator: Client) -> None:
    conversation = make.make_conversation()
    Summary.objects.create(conversation=conversation, text="She wants <b>boots</b>.", due_at=None)
    page = operator.get(page_of(type(conversation), conversation.pk)).content.decode()
    assert "She wants &lt;b&gt;boots&lt;/b&gt;." in page


def test_a_tenant_has_the_switch(operator: Client) -> None:
    tenant = make.make_tenant()
    page = reverse("admin:khronos_tenant_change", args=[tenant.pk])
    assert 'name="names_sources"' in operator.get(page).content.decode()
