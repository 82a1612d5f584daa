"""Where things are kept: database, copies."""

from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils.translation import gettext as _

from khronos.backup import postgres_server as server
from khronos.backup.engine import BackupFailed
from khronos.checks.backup import backup as copies
from khronos.launch import state
from khronos.launch.home import Home
from khronos.management.diagnosis.finding import Findings, ill, well
from khronos.management.diagnosis.machine import asked
from khronos.models import HealthCheck
from khronos.observability import health
from khronos.resilience.deadlines import within

ANSWER_S = 3.0


def is_made() -> bool:
    return connection.vendor != "sqlite" or Path(str(settings.DATABASES["default"]["NAME"])).exists()


@within(ANSWER_S)
def database() -> Findings:
    if not is_made():
        yield well(_("not made yet: `make up` does"))
        return
    found = asked(
        in_its_own_words,
        _("start the database, or correct DATABASE_URL; let this user write to it; %(page)s has more")
        % {"page": "docs/runbooks/database-down.md"},
    )
    yield found
    if not found.is_well:
        return
    executor = MigrationExecutor(connection)
    behind = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    if behind:
        yield ill(
            _("it is %(n)s steps behind this version") % {"n": behind}, _("`make down`, then `make up`")
        )
        return
    yield well(_("as this version needs it"))
    yield from looks()


def in_its_own_words() -> str:
    """Why a server lets nobody in: the pool knows only that it got no connection."""
    if connection.vendor == "postgresql":
        try:
            with server.opened(server.live()):
                pass
        except BackupFailed as error:
            raise health.Amiss(str(error)) from None
    return health.database()


def looks() -> Findings:
    """What beat's looks say of a Khronos that runs."""
    if state.supervisor(state.load(Home.configured())) is None:
        return
    try:
        rows = list(HealthCheck.objects.order_by("name"))
    except DatabaseError:
        return
    for row in rows:
        if row.is_stale:
            yield ill(
                _("nobody looked at %(name)s for long") % {"name": row.name},
                _("`make ps`: are beat and worker running?"),
            )


def backup() -> Findings:
    if not is_made() or state.supervisor(state.load(Home.configured())) is None:
        yield well(_("not looked at: Khronos is not running"))
        return
    yield asked(copies, _("`python manage.py backup status` says more; see whether their target has room"))
