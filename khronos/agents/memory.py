"""What a contact wanted to be remembered: kept, told to the model as data, erased (docs/mind.md).

Nobody but the contact hears of it: what is said in a group is heard by all, so nothing is remembered there,
and nothing told.
"""

from collections.abc import Sequence

from django.conf import settings

from khronos.agents.sensitive import is_sensitive
from khronos.models import Contact, ContactFact, Conversation, Message
from khronos.models.contact_fact import FACT_MAX
from khronos.models.prepared import Select, Slot

FACTS = Select(
    lambda: (
        ContactFact.objects.filter(contact=Slot("contact", Contact._meta.pk))
        .order_by("pk")
        .only("pk", "text")
    )
)


class NotRemembered(Exception):
    """It is not remembered, and why."""


def facts_for(conversation: Conversation) -> Sequence[ContactFact]:
    if conversation.chat_type != "private" or conversation.contact_id is None:
        return ()
    return FACTS(contact=conversation.contact_id)


def remember(contact: Contact, text: str, message: Message | None) -> ContactFact:
    """Once: the same again is the same row. Raises NotRemembered."""
    text = " ".join(text.split())
    if not text or len(text) > FACT_MAX:
        raise NotRemembered(f"a fact has between 1 and {FACT_MAX} characters")
    if is_sensitive(text):
        raise NotRemembered("numbers of cards and papers, passwords and keys are never remembered")
    kept = {fact.text.casefold(): fact for fact in contact.facts.all()}
    if known := kept.get(text.casefold()):
        return known
    if len(kept) >= settings.FACTS_MAX:
        raise NotRemembered(
            f"{len(kept)} facts are remembered already: one of them has to be forgotten first"
        )
    return ContactFact.objects.create(contact=contact, text=text, message=message)


def forget(contact: Contact, number: int | None = None) -> int:
    """One, or all of them; answers how many there were."""
    facts = contact.facts.all() if number is None else contact.facts.filter(pk=number)
    return facts.delete()[0]
