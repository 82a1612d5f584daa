"""The operator's pages, one module a noun (docs/admin.md). Importing them registers them."""

from khronos.desk.admin import (
    alerts,
    channels,
    contacts,
    conversations,
    deadletters,
    deliveries,
    events,
    leases,
    messages,
    people,
    quarantine,
    queues,
    schedules,
    tenants,
    turns,
    updates,
)

__all__ = [
    "alerts",
    "channels",
    "contacts",
    "conversations",
    "deadletters",
    "deliveries",
    "events",
    "leases",
    "messages",
    "people",
    "quarantine",
    "queues",
    "schedules",
    "tenants",
    "turns",
    "updates",
]
