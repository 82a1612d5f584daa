"""What a person holds and leaves unanswered for too long goes back to its queue: swept by beat."""

import uuid
from datetime import timedelta
from functools import partial

from django.conf import settings
from django.db.models import OuterRef, Subquery
from django.db.models.functions import Now
from django.utils import timezone

from khronos.conversation import handoff
from khronos.models import Conversation, Message, Queue
from khronos.models.commit import commit
from khronos.models.conversation import HELD

MOST = 500  # conversations a sweep


def sweep() -> int:
    """How many went back now. Each once: it is nobody's then."""
    patience = timedelta(hours=settings.LEFT_ALONE_H)
    if not patience:
        return 0
    said = Message.objects.filter(conversation=OuterRef("pk")).exclude(author=Message.Author.SYSTEM)
    last = Subquery(said.order_by("-pk").values("author")[:1])
    held = Conversation.objects.filter(HELD, acted_at__lte=Now() - patience).annotate(last=last)
    late = held.filter(last=Message.Author.CONTACT).order_by("acted_at")[:MOST]
    return sum(commit(partial(give_back, row.pk, patience)) for row in late.only("pk"))


def give_back(pk: uuid.UUID, patience: timedelta) -> bool:
    """Locked while it is looked at: an answer that is being written down counts."""
    rows = Conversation.objects.select_for_update(of=("self",)).select_related("operator", "queue")
    row = rows.filter(HELD, pk=pk, acted_at__lte=Now() - patience).first()
    if row is None or row.operator is None:
        return False
    asked = handoff.unanswered(row).order_by("pk").values_list("created_at", flat=True).first()
    if asked is None or asked > timezone.now() - patience:
        return False
    queue = row.queue or Queue.objects.filter(tenant=row.tenant_id, is_default=True).first()
    reason = f"{row.operator.get_username()} said nothing for {settings.LEFT_ALONE_H:g} h"
    return queue is not None and handoff.hand_off(row, queue, by="Khronos", reason=reason)
