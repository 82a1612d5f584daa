"""Rows for tests, one function a noun. What a test does not say has a sensible value."""

import itertools
import json
import secrets
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from khronos.agents.tools import toolbox
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
    OrderLine,
    Piece,
    Product,
    Queue,
    Remark,
    Tenant,
    ToolCall,
    ToolGrant,
    ToolRound,
    Turn,
    Update,
    Usage,
    contact_id,
    conversation_id,
)

numbers = itertools.count(1000)


def make_tenant(**given: Any) -> Tenant:
    n = next(numbers)
    return Tenant.objects.create(**{"slug": f"tenant-{n}", "name": f"Tenant {n}"} | given)


def make_agent(**given: Any) -> Agent:
    n = next(numbers)
    if "tenant" not in given:
        given["tenant"] = make_tenant()
    return Agent.objects.create(**{"slug": f"agent-{n}", "name": f"Agent {n}"} | given)


def make_queue(**given: Any) -> Queue:
    n = next(numbers)
    if "tenant" not in given:
        given["tenant"] = make_tenant()
    return Queue.objects.create(**{"slug": f"queue-{n}", "name": f"Queue {n}"} | given)


def make_canned_answer(**given: Any) -> CannedAnswer:
    n = next(numbers)
    if "tenant" not in given:
        given["tenant"] = make_tenant()
    return CannedAnswer.objects.create(**{"name": f"canned-{n}", "text": "Hello, {name}!"} | given)


def make_remark(**given: Any) -> Remark:
    n = next(numbers)
    if "conversation" not in given:
        given["conversation"] = make_conversation()
    return Remark.objects.create(**{"text": f"note {n}", "token": f"note-{n}"} | given)


def make_channel(**given: Any) -> Channel:
    n = next(numbers)
    defaults = {
        "slug": f"channel-{n}",
        "name": f"Channel {n}",
        "kind": "telegram",
        "token": f"{n}:token-of-a-test",
        "secret": f"secret-{n}",
    }
    if "tenant" not in given:
        given["tenant"] = make_tenant()
    return Channel.objects.create(**defaults | given)


def make_contact(**given: Any) -> Contact:
    channel = given.pop("channel", None) or make_channel()
    external_id = str(given.pop("external_id", next(numbers)))
    defaults = {
        "id": contact_id(channel.pk, external_id),
        "tenant": channel.tenant,
        "channel": channel,
        "external_id": external_id,
        "name": f"Contact {external_id}",
    }
    return Contact.objects.create(**defaults | given)


def make_conversation(**given: Any) -> Conversation:
    contact = given.pop("contact", None) or make_contact(channel=given.pop("channel", None))
    chat_id = str(given.pop("chat_id", contact.external_id))
    defaults = {
        "id": conversation_id(contact.channel_id, chat_id),
        "tenant": contact.tenant,
        "channel": contact.channel,
        "contact": contact,
        "chat_id": chat_id,
    }
    return Conversation.objects.create(**defaults | given)


def make_turn(**given: Any) -> Turn:
    """A settled state has no due time."""
    if "conversation" not in given:
        given["conversation"] = make_conversation()
    if given.get("state") in (Turn.State.ANSWERED, Turn.State.SILENT, Turn.State.BURIED):
        given.setdefault("due_at", None)
    return Turn.objects.create(**{"trace_id": secrets.token_hex(16)} | given)


def make_message(**given: Any) -> Message:
    if "conversation" not in given:
        given["conversation"] = make_conversation()
    return Message.objects.create(**{"author": Message.Author.CONTACT, "text": "Hello"} | given)


def make_delivery(**given: Any) -> Delivery:
    message = given.pop("message", None)
    if message is None:
        conversation = given.pop("conversation", None) or make_conversation()
        message = make_message(conversation=conversation, author=Message.Author.BOT, text="Hello to you")
    if given.get("state") in (Delivery.State.SENT, Delivery.State.FAILED):
        given.setdefault("due_at", None)
    defaults = {
        "conversation": message.conversation,
        "message": message,
        "text": message.text,
        "trace_id": secrets.token_hex(16),
    }
    return Delivery.objects.create(**defaults | given)


def make_update(**given: Any) -> Update:
    n = next(numbers)
    if "channel" not in given:
        given["channel"] = make_channel()
    raw = json.dumps({"update_id": n, "message": {"text": "Hello"}}).encode()
    return Update.objects.create(**{"key": str(n), "raw": raw, "trace_id": secrets.token_hex(16)} | given)


def make_attachment(**given: Any) -> Attachment:
    """With `raw`, its bytes are here."""
    raw = given.pop("raw", None)
    message = given.pop("message", None) or make_message(content="photo")
    defaults: dict[str, Any] = {"kind": Attachment.Kind.PHOTO, "file_id": f"file-{next(numbers)}"}
    if raw is not None:
        known = {"fetched_at": timezone.now(), "due_at": None, "size": len(raw)}
        defaults |= known | {"state": Attachment.State.FETCHED}
    row = Attachment.objects.create(**{"message": message} | defaults | given)
    if raw is not None:
        Piece.objects.create(attachment=row, number=0, raw=raw)
    return row


def make_event(**given: Any) -> Event:
    """With `conversation`, the ids that stand in an event are those of its rows."""
    conversation: Conversation | None = given.pop("conversation", None)
    defaults: dict[str, Any] = {
        "type": Event.Type.MESSAGE_RECEIVED,
        "trace_id": secrets.token_hex(16),
        "idempotency_key": f"fact-{next(numbers)}",
    }
    if conversation:
        defaults |= {
            "tenant_id": conversation.tenant_id,
            "conversation_id": conversation.pk,
            "customer_id": conversation.contact_id,
        }
    return Event.objects.create(**defaults | given)


def make_grant(**given: Any) -> ToolGrant:
    if "tenant" not in given:
        given["tenant"] = make_tenant()
    grant = ToolGrant.objects.create(**{"tool": "search_catalogue"} | given)
    toolbox.forget(grant.tenant_id)
    return grant


def make_http_tool(**given: Any) -> HttpTool:
    headers = given.pop("headers", "")
    n = next(numbers)
    if "tenant" not in given:
        given["tenant"] = make_tenant()
    defaults = {
        "name": f"tool_{n}",
        "description": "Tell the weather.",
        "url": "http://127.0.0.1:9/weather",
        "takes": {"properties": {"city": {"type": "string"}}, "required": ["city"]},
    }
    row = HttpTool(**defaults | given)
    row.headers = headers
    row.save()
    return row


def make_tool_call(**given: Any) -> ToolCall:
    turn = given.pop("turn", None) or make_turn()
    round_ = given.pop("round", None) or ToolRound.objects.create(
        turn=turn, number=ToolRound.objects.filter(turn=turn).count(), provider="anthropic"
    )
    defaults = {"tool": "my_orders", "arguments": {"number": 1}}
    return ToolCall.objects.create(**{"turn": turn, "round": round_} | defaults | given)


def make_product(**given: Any) -> Product:
    if "tenant" not in given:
        given["tenant"] = make_tenant()
    n = next(numbers)
    return Product.objects.create(
        **{"sku": f"SKU-{n}", "name": f"Cup {n}", "price": Decimal("9.90"), "stock": 5} | given
    )


def make_order(**given: Any) -> Order:
    """Of a contact, by `contact`; with one line of one product."""
    contact = given.pop("contact", None) or make_contact()
    customer, _made = Customer.objects.get_or_create(
        contact=contact, defaults={"tenant": contact.tenant, "name": contact.name}
    )
    product = given.pop("product", None) or make_product(tenant=contact.tenant)
    order = Order.objects.create(**{"tenant": contact.tenant, "customer": customer} | given)
    OrderLine.objects.create(order=order, product=product, quantity=2, price=product.price)
    return order


def make_dead_letter(**given: Any) -> DeadLetter:
    defaults = {
        "source": DeadLetter.Source.TASK,
        "name": "tasks.ops.check",
        "key": str(next(numbers)),
        "reason": "ValueError: no",
        "payload": {"args": [], "kwargs": {}, "queue": "ops"},
    }
    return DeadLetter.objects.create(**defaults | given)


def make_alert(**given: Any) -> Alert:
    defaults = {"name": f"alert-{next(numbers)}", "level": Alert.Level.WARNING, "text": "Something is amiss."}
    return Alert.objects.create(**defaults | given)


def make_check(**given: Any) -> HealthCheck:
    defaults = {"name": f"check-{next(numbers)}", "checked_at": timezone.now(), "changed_at": timezone.now()}
    return HealthCheck.objects.create(**defaults | given)


def make_lease(**given: Any) -> Lease:
    defaults = {
        "name": f"lease-{next(numbers)}",
        "holder": "host:1",
        "expires_at": timezone.now() + timedelta(seconds=30),
    }
    return Lease.objects.create(**defaults | given)


def make_user(**given: Any) -> User:
    """An administrator, unless it is said otherwise."""
    n = next(numbers)
    password = given.pop("password", "password-of-a-test")
    user = User(**{"username": f"user-{n}", "is_staff": True, "is_superuser": True} | given)
    user.set_password(password)
    user.save()
    return user


def make_usage(**given: Any) -> Usage:
    """A call of its own turn."""
    turn = given.pop("turn", None) or make_turn()
    defaults = {
        "tenant": turn.conversation.tenant,
        "conversation": turn.conversation,
        "turn": turn,
        "provider": "anthropic",
        "model": "claude-sonnet-5-5",
        "at": timezone.now(),
    }
    return Usage.objects.create(**defaults | given)


def make_backup_check(**given: Any) -> BackupCheck:
    defaults = {"ended_at": timezone.now(), "ok": True, "verdict": "whole", "rows": {"khronos_event": 7}}
    return BackupCheck.objects.create(**defaults | given)
