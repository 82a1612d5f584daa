"""What the doctor looks at, in this order (docs/checks.md). A new one is a function and one line here."""

from collections.abc import Callable

from django.utils.translation import gettext_noop as _

from khronos.management.diagnosis import keys, machine, running, secrets, storage
from khronos.management.diagnosis.finding import Finding, Findings

__all__ = ["PARTS", "Finding"]

PARTS: tuple[tuple[str, Callable[[], Findings]], ...] = (
    (_("Python and SQLite"), machine.versions),
    (_("Disk and memory"), machine.room),
    (_("Ports"), machine.ports),
    (_("Processes"), running.processes),
    (_("Secrets"), secrets.permissions),
    (_("Database"), storage.database),
    (_("Backup"), storage.backup),
    (_("Models"), keys.models),
    (_("Telegram"), keys.telegram),
    (_("Public address"), keys.public_address),
)
