"""What is not something said: edits, people who block us, chats that move, answers that did not arrive."""

from django.db.models.functions import Now

from khronos.channels.base import Happening
from khronos.conversation.arrivals import Understood
from khronos.delivery.settling import bounced
from khronos.models import Contact, Conversation, Message, Turn, conversation_id


def note(arrival: Understood, conversation: Conversation) -> None:
    happening = arrival.incoming.happening
    if happening is Happening.EDIT:
        amend(arrival)
    elif happening is Happening.MIGRATED:
        move(arrival, conversation)
    elif happening is Happening.UNDELIVERED:
        bounced(conversation, arrival.incoming.message_id, arrival.incoming.reason)
    elif happening in (Happening.BLOCKED, Happening.UNBLOCKED):
        blocked = happening is Happening.BLOCKED
        Contact.objects.filter(conversations=conversation.pk).update(is_blocked=blocked)


def amend(arrival: Understood) -> None:
    """The conversation shows the edit; a question that is not answered yet is answered as edited."""
    said = Message.objects.filter(
        conversation=arrival.conversation_id,
        external_id=arrival.incoming.message_id,
        author=Message.Author.CONTACT,
    )
    said.update(text=arrival.incoming.text, edited_at=Now())
    Turn.objects.unsettled().filter(messages__in=said.all()).update(amended=True)


def move(arrival: Understood, conversation: Conversation) -> None:
    """A group became a supergroup: what waits goes to its new address; who answers stays."""
    new = arrival.incoming.new_chat_id
    Conversation.objects.filter(pk=conversation.pk).update(chat_id=new)
    Conversation.objects.bulk_create(
        [
            Conversation(
                pk=conversation_id(conversation.channel_id, new),
                tenant_id=conversation.tenant_id,
                channel_id=conversation.channel_id,
                contact_id=conversation.contact_id,
                chat_id=new,
                chat_type="supergroup",
                title=conversation.title,
                handler=conversation.handler,
                queue_id=conversation.queue_id,
                operator_id=conversation.operator_id,
                handed_at=conversation.handed_at,
                acted_at=conversation.acted_at,
            )
        ],
        ignore_conflicts=True,
    )
