"""The failure tree. Every client of an outside service maps its errors into it; all else is a bug.

Failure                     something outside did not do what we asked
├── Transient               surely not done; ask again later (connect error, 5xx before work, outage)
│   ├── Throttled           the other side says that we ask too often: 429
│   └── Refused             our own breaker or limit says "not now": nobody was asked
├── Ambiguous               may have been done: never repeated blindly (read timeout, reset, 5xx on a send)
└── Permanent               will never be done as asked
    ├── Unauthorized        our key or token is wrong: parks and alerts, an operator must act
    ├── Blocked             the contact does not want to hear from us
    ├── MarkupRefused       the same words without markup may pass
    ├── Migrated            the chat lives on under another id
    ├── Unchanged           an edit to what is already there: proof of delivery
    ├── Vanished            what is no longer there: a message to edit, a file to fetch
    ├── Oversized           more than we take, or than the other side gives
    └── Conflict            somebody else does it already: a second poller, or a webhook beside a poller
Unreadable                  bytes from outside that cannot be understood: quarantined
LostLease                   somebody else owns this work now: drop what you hold, write nothing
Misconfigured               the environment is wrong; the text names the fix
"""


class Failure(Exception):
    """Something outside did not do what we asked."""

    retry_after: float | None = None  # seconds, as the other side asked; None where it did not say


class Transient(Failure):
    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Throttled(Transient):
    pass


class Refused(Transient):
    pass


class Ambiguous(Failure):
    pass


class Permanent(Failure):
    pass


class Unauthorized(Permanent):
    pass


class Blocked(Permanent):
    pass


class MarkupRefused(Permanent):
    pass


class Migrated(Permanent):
    def __init__(self, reason: str, new_chat_id: str) -> None:
        super().__init__(reason)
        self.new_chat_id = new_chat_id


class Unchanged(Permanent):
    pass


class Vanished(Permanent):
    pass


class Oversized(Permanent):
    pass


class Conflict(Permanent):
    pass


class Unreadable(Exception):
    pass


class LostLease(Exception):
    pass


class Misconfigured(Exception):
    pass
