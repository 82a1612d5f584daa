"""What a batch of updates brought, counted once the batch is committed."""

import collections

from prometheus_client import Counter

from khronos.conversation.arrivals import Understood
from khronos.models import Conversation, Turn
from khronos.observability import metrics

CHAT_TYPES = {"private", "group", "supergroup", "channel"}


class Tally:
    def __init__(self) -> None:
        self.numbers: collections.Counter[Counter] = collections.Counter()

    def said(self, arrival: Understood, conversation: Conversation, turn: Turn | None) -> None:
        kind = arrival.channel.kind
        if kind == "telegram":
            self.numbers[metrics.RECEIVED.labels(chat_type=known(arrival.incoming.chat_type))] += 1
        if turn is None and conversation.is_with_people:
            self.numbers[metrics.PROCESSED.labels(source=kind, status="to_people")] += 1

    def unreadable(self, kind: str) -> None:
        self.numbers[metrics.FAILED.labels(source=kind, reason="unreadable")] += 1

    def count(self) -> None:
        for counter, number in self.numbers.items():
            counter.inc(number)


def known(chat_type: str) -> str:
    return chat_type if chat_type in CHAT_TYPES else "other"
